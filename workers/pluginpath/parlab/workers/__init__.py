"""The folder ``workers`` under the name by which it is installed."""

from os.path import dirname

__path__ = [dirname(dirname(dirname(dirname(__file__))))]  # noqa: PTH120 - pathlib costs a trial 5 ms
