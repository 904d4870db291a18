"""Charts as files: SVG that follows the reader's light or dark scheme, and PNG in one of them.

No browser is needed: vl-convert brings Vega-Lite with it. Its first picture takes about a second, each
further one some 50 ms.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from parlab.orchestrator.show.charts._kit.palette import INKS
from parlab.orchestrator.show.charts._kit.theme import config
from parlab.orchestrator.show.charts.base import Chart

Scheme = Literal["light", "dark"]

#: The version whose specifications charts are written in, as vl-convert names it.
VEGA_LITE = "6.4"
_CLIP = re.compile(r"(?<=[\"#])clip\d+")
#: Control characters, and halves of characters.
_UNDRAWABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def whole_spec(chart: Chart) -> dict[str, Any]:
    """Return a chart's specification with the theme, ready for any Vega-Lite.

    What XML has no sign for is replaced in all of its text: the process that draws has ended over such names.
    """
    spec: dict[str, Any] = _clean(dict(chart.spec))
    spec["config"] = {**config(), **spec.get("config", {})}
    spec["description"] = _clean(chart.finding)
    spec.setdefault("autosize", {"type": "pad", "contains": "padding"})
    return spec


def svg(chart: Chart) -> str:
    """Draw a chart as an SVG document that looks right on light and dark ground, and printed.

    Colours stand in presentation attributes; a style turns the inks over where the reader's scheme is
    dark, so programs that know no style sheets show the light picture.
    """
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(whole_spec(chart), vl_version=VEGA_LITE, show_warnings=False)
    head, end, body = _counted_anew(drawn).partition(">")
    return f"{head}{end}<title>{_escaped(_clean(chart.finding))}</title><style>{_dark_style()}</style>{body}"


def png(chart: Chart, scheme: Scheme = "light", scale: float = 2.0) -> bytes:
    """Draw a chart as a PNG; ``scale`` is device pixels per CSS pixel."""
    import vl_convert

    spec = whole_spec(chart)
    if scheme == "dark":
        spec = json.loads(_turned(json.dumps(spec)))
    drawn: bytes = vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=scale, show_warnings=False)
    return drawn


def _counted_anew(drawn: str) -> str:
    """Number clipping paths within the picture: the engine goes on counting from one picture to the next."""
    names: dict[str, str] = {}
    return _CLIP.sub(lambda match: names.setdefault(match[0], f"clip{len(names) + 1}"), drawn)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNDRAWABLE.sub("?", value)
    if isinstance(value, Mapping):
        return {name: _clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _turned(text: str) -> str:
    for ink in INKS:
        text = text.replace(ink.light, ink.dark)
    return text


def _dark_style() -> str:
    rules = "".join(
        f'[fill="{ink.light}"]{{fill:{ink.dark}}}[stroke="{ink.light}"]{{stroke:{ink.dark}}}' for ink in INKS
    )
    return f"@media screen and (prefers-color-scheme:dark){{{rules}}}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
