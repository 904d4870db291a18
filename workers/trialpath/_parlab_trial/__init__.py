"""The folder ``workers`` under a name that no user's package has.

The trial interpreter, and every process that a pool starts from it, finds this package through
``sys.path``. A user's own package may be called ``workers``; nobody's is called ``_parlab_trial``.
"""

from os.path import dirname

__path__ = [dirname(dirname(dirname(__file__)))]  # noqa: PTH120 - pathlib costs a trial 5 ms
