"""Work that cannot be sent to another process: a closure, and objects that hold a lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Inputs of :data:`closure`.
STEPS = [10_000, 10_001, 10_002, 10_003]


def counter(modulus: int) -> Callable[[int], int]:
    """Make a function that no import finds."""

    def count(steps: int) -> int:
        total = 0
        for number in range(steps):
            total += number * number % modulus
        return total

    return count


#: Pure Python of about 1 ms; it has no name in this module that pickle could send.
closure = counter(7)


class Account:
    """An object with a lock, as connections, sessions and clients have one."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lock = threading.Lock()


def accounts() -> list[Account]:
    """Make inputs that cannot be pickled."""
    return [Account(number) for number in range(16)]


def balance(account: Account) -> int:
    """Read an account under its lock, then wait 5 ms."""
    with account.lock:
        total = account.number * 3
    time.sleep(0.005)
    return total
