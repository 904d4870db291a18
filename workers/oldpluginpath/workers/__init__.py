"""The folder ``workers`` under the name that it was installed by until 0.1: for plug-ins that still use it.

Last on the path, so that a user's own package of this name is found first. Goes with version 0.3.
"""

import warnings
from os.path import dirname

__path__ = [dirname(dirname(dirname(__file__)))]  # noqa: PTH120 - pathlib costs a trial 5 ms

warnings.warn(
    "import from parlab.workers instead of workers: the old name goes with parlab 0.3",
    DeprecationWarning,
    stacklevel=2,
)
