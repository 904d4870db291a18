"""Proof that a process is gone: a node's name is taken over only then."""

from __future__ import annotations

import json
import subprocess
import sys

from parlab.workers.node.identity import describe_process, is_gone

BOOT = "boot-1"


def described_by_another(*, then: str) -> tuple[str, subprocess.Popen[bytes]]:
    script = (
        "from parlab.workers.node.identity import describe_process\n"
        f"print(describe_process('{BOOT}'), flush=True)\n"
        f"{then}"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert process.stdout is not None
    return process.stdout.readline().decode(), process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_a_process_that_lives_is_not_gone() -> None:
    assert not is_gone(describe_process(BOOT), BOOT)
    description, process = described_by_another(then="input()")
    assert not is_gone(description, BOOT)
    end(process)


def test_a_process_that_has_ended_is_gone() -> None:
    description, process = described_by_another(then="input()")
    end(process)
    assert is_gone(description, BOOT)


def test_another_process_under_the_same_number_is_not_taken_for_it() -> None:
    about = json.loads(describe_process(BOOT))
    if about["started"] is not None:
        about["started"] -= 1
        assert is_gone(json.dumps(about), BOOT)


def test_what_cannot_be_known_is_not_gone() -> None:
    description, process = described_by_another(then="")
    end(process)
    assert not is_gone(description, "boot-2"), "another host, or the same one before a restart"
    about = json.loads(description)
    assert not is_gone(json.dumps({**about, "pid_namespace": "pid:[1]"}), BOOT), "another container"
    for unreadable in (None, "", "{", "[]", "{}", '{"pid": "x"}'):
        assert not is_gone(unreadable, BOOT)
