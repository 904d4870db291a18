"""The words that cells of tables hold: what claims come to, and the colour of each."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.models import dashboard

#: Colours of a claim's words, of Okabe and Ito's palette; the word itself is always there.
WORD_COLOURS = {
    "supported": "#009E73",
    "refuted": "#D55E00",
    "depends": "#F0E442",
    "unresolved": "#56B4E9",
    "skipped": "#999999",
}
#: Colours of the side of its bound on which a claim's cell lies.
SIDE_COLOURS = {
    "towards": WORD_COLOURS["supported"],
    "away": WORD_COLOURS["refuted"],
    "open": WORD_COLOURS["unresolved"],
    "out": WORD_COLOURS["skipped"],
}


def worded_cells(colours: Mapping[str, str], absent: str | None = None) -> list[dashboard.DynamicConfigValue]:
    """Colour cells by the word that their text begins with; ``absent`` is said where there is nothing."""
    mappings: list[dashboard.ValueMapping] = [
        dashboard.RegexMap(
            dashboard.DashboardRegexMapOptions(
                pattern=f"/^{word}\\b/", result=dashboard.ValueMappingResult(color=colour, index=index)
            )
        )
        for index, (word, colour) in enumerate(colours.items())
    ]
    if absent is not None:
        nothing = dashboard.ValueMappingResult(text=absent, color="transparent", index=len(mappings))
        options = dashboard.DashboardSpecialValueMapOptions(dashboard.SpecialValueMatch.NULL, nothing)
        mappings.append(dashboard.SpecialValueMap(options))
    return [
        dashboard.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background"}),
        dashboard.DynamicConfigValue(id_val="mappings", value=mappings),
    ]
