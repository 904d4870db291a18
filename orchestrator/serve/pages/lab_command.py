"""Commands that a page names, to be pasted into a terminal."""

from __future__ import annotations

import shlex

from fastapi import Request


def lab_command(request: Request, *words: str) -> str:
    """Write a command about this lab: ``parlab run article --lab http://lab:8080``.

    The lab's address is the one that the browser asked under; whatever it holds, it is one word of the shell.
    """
    return shlex.join(["parlab", *words, "--lab", str(request.base_url).rstrip("/")])
