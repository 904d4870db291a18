"""Commands that speak to a lab: they print what they print on one machine, and leave the lab alone."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

from parlab.orchestrator.experiment.file import parse
from parlab.orchestrator.experiment.tables import document
from tests.conftest import Command
from tests.support.laboratory import Laboratory, wait_until
from tests.support.served import TOKEN, Served, experiment, serving

TEXT = """
experiment = {{ name = "waits", trial_seconds = 0.05 }}
workload = [{{ name = "wait", seconds = 0.002, tasks = 4 }}]
strategy = [{{ name = "serial" }}, {{ name = "threads", max_workers = 2 }}]
stop = {{ rule = "fixed", blocks = {blocks}, budget = "120s" }}
"""


def write(parlab: Command, blocks: int) -> Path:
    file = parlab.home / "waits.toml"
    file.write_text(TEXT.format(blocks=blocks))
    return file


def test_commands_print_in_a_lab_what_they_print_on_one_machine(
    served: Served,
    parlab: Command,
) -> None:
    run = served.begin(document(parse("x", experiment(blocks=2))))
    served.until(run, "done")
    environment = {"PARLAB_LAB": served.url, "PARLAB_TOKEN": TOKEN}
    shown = parlab.run("show", run, **environment)
    assert shown.code == 0, shown.err
    local = parlab.run("show", run, PARLAB_HOME=str(served.home))
    assert shown.out == local.out
    assert (
        parlab.run("export", run, **environment).out
        == parlab.run("export", run, PARLAB_HOME=str(served.home)).out
    )
    assert run in parlab.run("list", **environment).out
    refused = parlab.run("stop", run, PARLAB_LAB=served.url, PARLAB_TOKEN="x" * 20)
    assert refused.code == 2
    assert "token" in refused.err
    away = parlab.run("list", PARLAB_LAB="http://127.0.0.1:1")
    assert away.code == 3
    assert "does not answer" in away.err
    listed = parlab.run("nodes", "list", **environment).out
    assert re.search(r"\ba\b.*3\.\d+", listed), listed


def runs(served: Served) -> set[str]:
    return {str(run["run"]) for run in served.ask("/api/runs").json()}


def begun(served: Served, before: set[str]) -> str:
    """Wait for a run that was not there before."""
    wait_until(lambda: runs(served) - before, 30)
    (run,) = runs(served) - before
    return run


def test_ctrl_c_leaves_the_run_to_the_lab_and_says_how_to_look_and_stop(
    served: Served, parlab: Command
) -> None:
    environment = {"PARLAB_TOKEN": TOKEN}
    before = runs(served)
    command = parlab.start("run", write(parlab, 40), "--lab", served.url, **environment)
    run = begun(served, before)
    wait_until(lambda: served.blocks(run) >= 1, 30)
    command.send_signal(signal.SIGINT)
    ended = parlab.wait(command)
    assert ended.code == 130
    assert f"parlab stop {run} --lab {served.url}" in ended.err
    assert "Traceback" not in ended.err
    assert served.run(run)["active"] is True
    assert parlab.run("stop", run, "--lab", served.url, **environment).code == 0
    assert served.run(run)["state"] == "interrupted"
    blocks = served.blocks(run)
    further = parlab.run(
        "resume", run, "--blocks", str(blocks + 1), "--lab", served.url, "--json", "-", **environment
    )
    assert further.code == 0, further.err
    assert served.run(run)["state"] == "done"


# The last block may be measured while the orchestrator ends: then the command has heard the end, and cannot
# fetch the run before the orchestrator is back. (That nobody hears of an end too early is forced, and not
# left to chance, in tests/unit/serve/test_end_of_a_run.py.)
def test_a_command_that_follows_outlives_a_restart_of_the_orchestrator(
    own_lab: Laboratory, home: Path, parlab: Command
) -> None:
    result = parlab.home / "result.json"
    own_lab.node("a").start()
    with serving(own_lab, home / "o") as served:
        wait_until(lambda: served.ask("/readyz").status_code == 200)
        command = parlab.start(
            "run", write(parlab, 10), "--lab", served.url, "--json", result, PARLAB_TOKEN=TOKEN
        )
        run = begun(served, set())
        wait_until(lambda: served.blocks(run) >= 2, 30)
        assert served.end() == 0
    with serving(own_lab, home / "o", port=served.url.rpartition(":")[2]) as again:
        ended = parlab.wait(command)
        assert ended.code == 0, ended.err
        assert "threads ×2" in ended.out
        assert json.loads(result.read_text())["run"] == run
        assert again.run(run)["state"] == "done"


def test_what_a_lab_refuses_is_said_as_on_one_machine(served: Served, parlab: Command) -> None:
    file, before = write(parlab, 1), runs(served)
    for token, says in (("", "token"), ("x" * 30, "token")):
        refused = parlab.run("run", file, "--lab", served.url, PARLAB_TOKEN=token)
        assert refused.code == 2, refused.err
        assert says in refused.err
        assert "PARLAB_TOKEN" in refused.err
    environment = {"PARLAB_LAB": served.url, "PARLAB_TOKEN": TOKEN}
    file.write_text(file.read_text().replace('"wait"', '"no_such"'))
    assert parlab.run("run", file, **environment).code == 2
    assert "no run" in parlab.run("show", "ffff", **environment).err
    executable = parlab.run("run", "smoke", "--python", "/usr/bin/python3", **environment)
    assert executable.code == 2
    assert "is not a version" in executable.err
    assert runs(served) == before
