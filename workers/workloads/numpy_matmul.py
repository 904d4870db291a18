"""Two matrices multiplied by numpy, that is, by its BLAS, which has threads of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from .base import Parameter, Workload, numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from numpy import float64
    from numpy.typing import NDArray

#: What numpy's builds read for the number of BLAS's threads, once, when they are loaded.
_THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def run(item: tuple[int, int]) -> tuple[int, int]:
    """Multiply two ``n`` × ``n`` matrices; ``item`` is (number, n).

    Gives the product's trace and the sum of one of its rows, which the number chooses.
    """
    number, n = item
    left, right = _matrices(n)
    product = left @ right
    return int(product.trace()), int(product[number % n].sum())


@lru_cache(maxsize=1)
def _matrices(n: int) -> tuple[NDArray[float64], NDArray[float64]]:
    """Make the matrices: once per worker, instead of being sent with each task.

    They hold small integers as floats: every sum of their products is exact, in whatever order
    threads and kernels add, so that results can be compared exactly.
    """
    import numpy as np

    cells = np.arange(n * n, dtype=np.int64)
    left = (cells * 7 % 101).astype(np.float64).reshape(n, n)
    right = (cells * 11 % 103).astype(np.float64).reshape(n, n)
    return left, right


def setup() -> None:
    """Import what all tasks need: part of a worker's start, not of its first task."""
    import numpy as np  # noqa: F401 - the module loads without it


def environment(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Say how many threads BLAS has; nothing where it decides by itself."""
    inner_threads = parameters["inner_threads"]
    return {name: str(inner_threads) for name in _THREAD_VARIABLES} if inner_threads else {}


WORKLOAD = Workload(
    name="numpy_matmul",
    summary="Multiplies matrices with numpy, whose BLAS releases the GIL and may have threads of its own.",
    kind="cpu",
    parameters={
        "n": Parameter(
            int, 500, minimum=1, maximum=10_000, unit="rows", summary="Rows and columns of each matrix."
        ),
        "inner_threads": Parameter(
            int,
            1,
            minimum=0,
            maximum=1024,
            unit="threads",
            summary="BLAS threads in each process; 0 lets BLAS decide, which then uses all CPUs.",
        ),
    },
    function=run,
    inputs=numbered("n"),
    requires=("numpy",),
    setup=setup,
    environment=environment,
)
