"""The trial's end of its two pipes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from parlab.workers.trial.main import Channel


@pytest.fixture
def pipes() -> Iterator[tuple[Channel, int, int]]:
    """A channel, where its commands are written, where its answers are read."""
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()
    os.set_inheritable(command_read, True)
    channel = Channel(command_read, answer_write)
    yield channel, command_write, answer_read
    channel._forget()
    for fd in (command_write, answer_read):
        try:
            os.close(fd)
        except OSError:
            continue


def test_commands_come_one_by_one_however_they_are_cut(pipes: tuple[Channel, int, int]) -> None:
    channel, commands, _ = pipes
    os.write(commands, b'{"do": "op')
    threading.Timer(0.01, os.write, (commands, b'en"}\n{"do": "round"}\n{"d')).start()
    assert channel.receive() == {"do": "open"}
    assert channel.receive() == {"do": "round"}
    os.write(commands, b'o": "close"}\n')
    assert channel.receive() == {"do": "close"}


def test_the_guardians_end_is_none(pipes: tuple[Channel, int, int]) -> None:
    channel, commands, _ = pipes
    os.write(commands, b'{"do": "half')
    os.close(commands)
    assert channel.receive() is None


def test_a_long_answer_goes_through_whole(pipes: tuple[Channel, int, int]) -> None:
    channel, _, answers = pipes
    text = "ü\ud800" * 100_000
    sender = threading.Thread(target=channel.send, args=({"text": text},))
    sender.start()
    with os.fdopen(os.dup(answers), "rb") as file:
        line = file.readline()
    sender.join()
    assert line.endswith(b"\n")
    assert len(line) > 1_000_000


def test_neither_end_is_passed_on(pipes: tuple[Channel, int, int]) -> None:
    channel, _, _ = pipes
    assert not os.get_inheritable(channel._command_fd)
    assert not os.get_inheritable(channel._answer_fd)


def test_a_forked_child_has_neither_end_and_its_own_files_are_left_alone(
    pipes: tuple[Channel, int, int],
) -> None:
    channel, _, _ = pipes
    numbers = (channel._command_fd, channel._answer_fd)
    pid = os.fork()
    if pid == 0:
        gone = all(_is_closed(fd) for fd in numbers)
        # These get the same numbers; a grandchild must keep them.
        own = os.pipe()
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(0 if not any(_is_closed(fd) for fd in own) else 1)
        kept = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]) == 0
        os._exit(0 if gone and kept else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not any(_is_closed(fd) for fd in numbers)


def _is_closed(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False
