"""The checkout that is tested."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
#: What finds parlab, for an interpreter that is started with a path of its own.
SOURCE = str(CHECKOUT / "src")
