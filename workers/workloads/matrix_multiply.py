"""Two matrices multiplied as lists of lists: pure Python, many small objects."""

from __future__ import annotations

from .base import Parameter, Workload, numbered


def run(item: tuple[int, int]) -> int:
    """Multiply two ``n`` × ``n`` matrices and give the product's trace; ``item`` is (number, n).

    Each task makes its own matrices: threads that read the same objects would measure how the build
    counts references to them.
    """
    number, n = item
    left = [[(number + row * 7 + column * 3) % 101 for column in range(n)] for row in range(n)]
    right = [[(number + row * 5 + column * 11) % 103 for column in range(n)] for row in range(n)]
    columns = list(zip(*right, strict=True))
    product = [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left]
    return sum(product[i][i] for i in range(n))


WORKLOAD = Workload(
    name="matrix_multiply",
    summary="Multiplies matrices that are lists of lists: pure Python, holds the GIL.",
    kind="cpu",
    parameters={
        "n": Parameter(
            int, 50, minimum=1, maximum=2000, unit="rows", summary="Rows and columns of each matrix."
        ),
    },
    function=run,
    inputs=numbered("n"),
)
