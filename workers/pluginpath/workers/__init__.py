"""The folder ``workers`` for other distributions' workloads, strategies and probes in a trial's interpreter.

They import what they are made of from ``workers``, which need not be installed for the Python that is
measured. On the path of a trial only where it runs such a thing.
"""

from os.path import dirname

__path__ = [dirname(dirname(dirname(__file__)))]  # noqa: PTH120 - pathlib costs a trial 5 ms
