"""The command: its families of commands, and the one place where errors become messages and exit codes.

Nothing heavy is imported here or at the top of a family's file: ``parlab --help`` answers at once, and
each command loads what it needs.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from parlab.orchestrator.cli import (
    advise,
    check,
    compare,
    doctor,
    fleet,
    lab,
    listing,
    node,
    report,
    run,
    stored,
    streams,
)
from parlab.orchestrator.cli.help import SETTINGS, PlainGroup
from parlab.orchestrator.control.termination import Stopped
from parlab.workers import __version__
from parlab.workers.errors import EnvironmentFault, LabError

#: Exit codes (docs/exit-codes.md).
_BUG = 70
_INTERRUPTED = 130

app = typer.Typer(
    name="parlab",
    cls=PlainGroup,
    help="Threads, processes, asyncio, subinterpreters or a free-threaded build: which makes your work "
    "fastest on your machines, and how sure is that?",
    epilog="parlab run                  the article's question on this machine, in about two minutes\n"
    "parlab advise shop:resize   how to run a function of your own",
    context_settings=SETTINGS,
    pretty_exceptions_enable=False,
    # Plain text: read by a pipe and an ASCII terminal as well, and there in half the time.
    rich_markup_mode=None,
)
# In the order of the help: what measures, what looks at what was measured, what a lab needs.
for _family in (run, advise, check, doctor, stored, compare, report, listing, lab, node, fleet):
    app.add_typer(_family.commands, rich_help_panel=_family.commands.heading)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - an option
    if asked:
        print(f"parlab {__version__}")
        raise typer.Exit


@app.callback()
def _parlab(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command line."""
    streams.prepare()
    try:
        sys.exit(_run())
    except (LabError, Stopped) as end:
        _end(end.exit_code, str(end))
    except KeyboardInterrupt:
        _end(_INTERRUPTED, "interrupted")
    except ModuleNotFoundError as error:
        from parlab.orchestrator.show.report.extras import missing_extra

        fault = missing_extra(error)
        if fault is not None:
            _end(fault.exit_code, str(fault))
        _end(_BUG, _described(error))
    except Exception as error:  # noqa: BLE001 - the last place: what ends up here is a bug, and told as one
        _end(_BUG, _described(error))


def _run() -> int | None:
    """Run the command that is asked for; its exit code is returned."""
    try:
        code: int | None = app(prog_name="parlab", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        if not hasattr(error, "show"):
            raise
        # Typer's own: a command line that cannot be understood.
        error.show(sys.stderr)
        code = getattr(error, "exit_code", 2)
    finally:
        # Here, where a fault is told; at the interpreter's end it would be a traceback.
        sys.stdout.flush()
    return code


def _end(code: int, message: str) -> None:
    print(f"parlab: {message}", file=sys.stderr)
    sys.exit(code)


def _described(error: Exception) -> str:
    """Keep the traceback of an error of parlab's own where it can be sent from, and say where."""
    import traceback
    from datetime import datetime

    from parlab.orchestrator.settings import from_process

    text = "".join(traceback.format_exception(error))
    try:
        folder = from_process().home / "log"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"error-{datetime.now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}.txt"
        path.write_text(text, encoding="utf-8")
        where = f"its traceback is in {path}; please report it"
    except (OSError, EnvironmentFault):
        where = text
    return f"an error in parlab itself: {type(error).__name__}: {error}\n  {where}"


if __name__ == "__main__":
    main()
