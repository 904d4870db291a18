"""Photographs made smaller, as every shop and gallery does with what is uploaded: Pillow."""

from __future__ import annotations

from functools import lru_cache

from .base import Parameter, Workload, numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from PIL.Image import Image

    #: (number, side of the source, width, filter)
    Item = tuple[int, int, int, str]
    #: (number, width, height, the colours of the four quarters)
    Result = tuple[int, int, int, bytes]

#: Red grows downwards, green to the right, blue to the left: the mean of each quarter, row by row.
_QUARTERS = bytes((64, 64, 191, 64, 191, 64, 191, 64, 191, 191, 191, 64))
#: What filters, rounding and a narrow picture may add to or take from a mean.
_TOLERANCE = 16


def run(item: Item) -> Result:
    """Resize a square picture, of which each task has a copy of its own.

    As if it were decoded from a file: without a GIL, Pillow lets one thread at a time into a picture.
    """
    number, source, width, name = item
    from PIL.Image import Resampling

    small = _picture(source).copy().resize((width, width), Resampling[name.upper()])
    return number, small.width, small.height, small.resize((2, 2), Resampling.BOX).tobytes()


@lru_cache(maxsize=1)
def _picture(side: int) -> Image:
    """Make the picture: once per worker, instead of being sent with each task."""
    from PIL.Image import Transpose, linear_gradient, merge

    down = linear_gradient("L").resize((side, side))
    right = down.transpose(Transpose.ROTATE_90)
    return merge("RGB", (down, right, right.transpose(Transpose.FLIP_LEFT_RIGHT)))


def setup() -> None:
    """Import what all tasks need: part of a worker's start, not of its first task."""
    import PIL.Image  # noqa: F401 - the module loads without it


def check(item: Item, result: object) -> bool:
    """Whether it is the picture, in the size that was asked for.

    Not equality: versions of Pillow round differently. And without Pillow: what checks is the
    process that starts the pool, whose memory must not grow for it.
    """
    number, _, width, _ = item
    if not isinstance(result, tuple) or result[:3] != (number, width, width):
        return False
    if len(result[3]) != len(_QUARTERS):
        return False
    return all(abs(seen - right) <= _TOLERANCE for seen, right in zip(result[3], _QUARTERS, strict=True))


WORKLOAD = Workload(
    name="image_resize",
    summary="Makes a picture smaller with Pillow, whose C code releases the GIL.",
    kind="cpu",
    parameters={
        "source": Parameter(
            int,
            1600,
            minimum=16,
            maximum=16_384,
            unit="pixels",
            summary="Sides of the picture, which is square.",
        ),
        "width": Parameter(
            int, 640, minimum=16, maximum=16_384, unit="pixels", summary="Sides that it is resized to."
        ),
        "filter": Parameter(
            str,
            "lanczos",
            choices=("nearest", "bilinear", "bicubic", "lanczos"),
            summary="The resampling filter.",
        ),
    },
    function=run,
    inputs=numbered("source", "width", "filter"),
    check=check,
    requires=("pillow",),
    setup=setup,
)
