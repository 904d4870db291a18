"""Parts of all dashboards: panels by kind, links, colours, and the page that they are laid out on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries, xychart
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.xychart import SeriesMapping, XYShowMode

from parlab.orchestrator.show.charts._kit import palette

from .variables import CONFIGURATION_CHOICES, DATASOURCE, Choice, variables
from .words import worded_cells

TAG = "parlab"
#: Columns of Grafana's grid.
COLUMNS = 24
#: The charts' colours, a colour per strategy everywhere; the ideal line is none of them.
STRATEGY_COLOURS = {**palette.STRATEGY_COLOURS, "ideal": "#56B4E9"}

#: Filters of a metric by the variables, from the widest to the narrowest.
RUN = 'run=~"$run"'
HOST = 'host=~"$host"'
NODE = 'node=~"$node"'
CONFIGURATION = f'{RUN}, {HOST}, {NODE}, workload=~"$workload", strategy=~"($strategy)( .*)?"'
NODES = f"{HOST}, {NODE}"
CLAIMS = f'{RUN}, {HOST}, {NODE}, python=~"$python", claim=~"$claim"'

#: Labels of a configuration, in the order of a table's columns.
ROW_LABELS = ("workload", "strategy", "max_workers", "python", "node", "host", "run")
#: Legend of a configuration's line.
LINE = "{{strategy}} ×{{max_workers}} · {{python}} · {{node}} · {{workload}}"


#: Cells whose colour is their value: from blue by yellow to red.
_HOT = [
    dashboard.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background"}),
    dashboard.DynamicConfigValue(id_val="color", value={"mode": "continuous-BlYlRd"}),
]

#: Panels of the foundation SDK have no base class of their own.
Panel = Any


def _panel(
    kind: Panel,
    width: int,
    title: str,
    about: str,
    unit: str,
    queries: Mapping[str, str],
    *,
    table: bool = False,
) -> Panel:
    """Begin a panel of ``width`` columns; ``queries`` by their legends, as lines over time or a ``table``."""
    return (
        kind.Panel()
        .span(width)
        .title(title)
        .description(about)
        .unit(unit)
        .datasource(DATASOURCE)
        .targets(_targets(queries, table=table))
    )


def series(
    width: int,
    title: str,
    about: str,
    queries: Mapping[str, str],
    *,
    unit: str = "none",
    stacked: bool = False,
    least: float | None = 0,
    logarithmic: bool = False,
    colours: Mapping[str, str] = STRATEGY_COLOURS,
) -> Panel:
    """Make a panel of lines over time, by their legends; ``colours`` by the word that a line begins with."""
    panel = (
        _panel(timeseries, width, title, about, unit, queries)
        .fill_opacity(25 if stacked else 5)
        .line_width(1)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(15_000.0)
        .legend(_legend())
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .overrides(_overrides(colours))
    )
    if least is not None:
        panel = panel.min(least)
    if logarithmic:
        panel = panel.scale_distribution(
            common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)
        )
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    return panel


def number(
    width: int,
    title: str,
    about: str,
    expr: str,
    legend: str = "",
    *,
    unit: str = "none",
    red_from: float | None = None,
) -> Panel:
    """Make a panel of a few large numbers; from ``red_from`` on they are red."""
    steps = [dashboard.Threshold(value=None, color="text")]
    if red_from is not None:
        steps.append(dashboard.Threshold(value=red_from, color="red"))
    return (
        _panel(stat, width, title, about, unit, {legend: expr})
        .thresholds(builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.AUTO)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def listing(
    width: int,
    title: str,
    about: str,
    queries: Mapping[str, str],
    *,
    columns: Sequence[str],
    unit: str = "none",
    units: Mapping[str, str] | None = None,
    coloured: Sequence[str] = (),
    worded: Mapping[str, Mapping[str, str]] | None = None,
    hidden: Sequence[str] = (),
    sort: Sequence[str] = (),
) -> Panel:
    """Make a table: a row per set of labels, a column per query, named by the keys of ``queries``.

    ``coloured`` columns have the colour of their value, ``worded`` ones that of the word in each cell.
    """
    single = len(queries) == 1
    values = {
        ("Value" if single else f"Value #{letter}"): name
        for letter, name in zip(ascii_uppercase, queries, strict=False)
    }
    order = {name: index for index, name in enumerate([*columns, *values])}
    excluded = dict.fromkeys(("Time", "__name__", "instance", "job", *hidden), True)
    panel = (
        _panel(table, width, title, about, unit, queries, table=True)
        .with_transformation(_transformed("merge"))
        .with_transformation(
            _transformed("organize", excludeByName=excluded, indexByName=order, renameByName=values)
        )
        .show_header(True)
    )
    for name, own in (units or {}).items():
        panel = panel.override_by_name(name, [dashboard.DynamicConfigValue(id_val="unit", value=own)])
    for name in ("run", "node"):
        if name in columns:
            panel = panel.override_by_name(name, [_to_the_lab(name)])
    for name in coloured:
        panel = panel.override_by_name(name, _HOT)
    for name, colours in (worded or {}).items():
        panel = panel.override_by_name(name, worded_cells(colours))
    if sort:
        panel = panel.sort_by(
            [common_builders.TableSortByFieldState().display_name(name).desc(False) for name in sort]
        )
    return panel


def heat_map(width: int, title: str, about: str, expr: str, *, row: str, column: str) -> Panel:
    """Make a matrix of coloured cells: a row and a column per value of two labels of ``expr``."""
    return (
        _panel(table, width, title, about, "none", {"": expr}, table=True)
        .decimals(2)
        .with_transformation(_matrix(column, row, "Value", emptyValue="null"))
        .show_header(True)
        .override_by_field_type("number", _HOT)
    )


def word_map(
    width: int,
    title: str,
    about: str,
    expr: str,
    *,
    row: str,
    column: str,
    word: str,
    colours: Mapping[str, str],
    absent: str,
) -> Panel:
    """Make a matrix of words: a row and a column per value of two labels, the word from a third one.

    Rows are sorted by the value of ``expr``, columns by their names. ``absent`` is said where there is none.
    """
    corner = [
        dashboard.DynamicConfigValue(id_val="displayName", value=row),
        dashboard.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "auto"}),
        dashboard.DynamicConfigValue(id_val="custom.width", value=360),
    ]
    panel = (
        _panel(table, width, title, about, "none", {"": expr}, table=True)
        .show_header(True)
        .override_by_field_type("string", worded_cells(colours, absent))
        .override_by_name(f"{row}\\{column}", corner)
    )
    # The matrix has rows and columns in the order in which they are met, and sorting keeps what is equal.
    for field in (column, "Value"):
        panel = panel.with_transformation(_sorted(field))
    return panel.with_transformation(_matrix(column, row, word, emptyValue="null"))


def states(width: int, title: str, about: str, expr: str, legend: str) -> Panel:
    """Make a time line: what is there, when."""
    return (
        _panel(statetimeline, width, title, about, "none", {legend: expr})
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
        .legend(_legend())
        .color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
    )


def curve(width: int, title: str, about: str, expr: str, *, x_label: str, unit: str = "none") -> Panel:
    """Make an XY panel: a line per ``series`` label over the number in ``max_workers``."""
    return (
        _panel(xychart, width, title, about, unit, {"": expr}, table=True)
        .min(0)
        .with_transformation(_as_number("max_workers"))
        .with_transformation(_sorted("max_workers"))
        .with_transformation(_matrix("series", "max_workers", "Value"))
        .with_transformation(_as_number("max_workers\\series"))
        .mapping(SeriesMapping.AUTO)
        .series([_over("max_workers\\series")])
        .show(XYShowMode.POINTS_AND_LINES)
        .axis_label(x_label)
        .legend(_legend())
        .overrides(_overrides(STRATEGY_COLOURS))
    )


def _over(field: str) -> Any:
    """Name the column that is x; with automatic mapping every other one is a line."""
    by_name = xychart.MatcherConfig().id("byName").options(field)
    return xychart.XYSeriesConfig().x(xychart.XychartXYSeriesConfigX().matcher(by_name))


def _transformed(name: str, **options: Any) -> dashboard.DataTransformerConfig:
    return dashboard.DataTransformerConfig(id_val=name, options=options)


def _sorted(field: str) -> dashboard.DataTransformerConfig:
    return _transformed("sortBy", sort=[{"field": field, "desc": False}])


def _as_number(field: str) -> dashboard.DataTransformerConfig:
    return _transformed("convertFieldType", conversions=[{"targetField": field, "destinationType": "number"}])


def _matrix(column: str, row: str, value: str, **more: str) -> dashboard.DataTransformerConfig:
    return _transformed("groupingToMatrix", columnField=column, rowField=row, valueField=value, **more)


class Page:
    """A dashboard that is put together: rows of panels, each :data:`COLUMNS` wide."""

    def __init__(
        self, uid: str, title: str, about: str, *, choices: Sequence[Choice] = CONFIGURATION_CHOICES
    ) -> None:
        """Begin with what all have: variables, links to each other and back to the lab's pages."""
        self._panels = 0
        self.dashboard = (
            builders.Dashboard(title)
            .uid(uid)
            .description(about)
            .tags([TAG])
            .readonly()
            .refresh("10s")
            .time("now-30m", "now")
            .timezone("browser")
            .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
            .variables(variables(choices))
            .link(
                builders.DashboardLink("parlab")
                .type(dashboard.DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .include_vars(True)
                .keep_time(True)
            )
            .link(
                builders.DashboardLink("The lab's pages")
                .type(dashboard.DashboardLinkType.LINK)
                .url("${lab:raw}/")
                .icon("external link")
                .tooltip("Runs, nodes, claims and experiments, as the orchestrator shows them")
            )
        )

    def row(self, height: int, *panels: Panel) -> None:
        """Add panels side by side; the SDK begins a new line where one is full."""
        for panel in panels:
            self._panels += 1
            self.dashboard.with_panel(panel.id(self._panels).height(height))


def _to_the_lab(label: str) -> dashboard.DynamicConfigValue:
    """Have the cells of a column lead to the lab's page of what they name: a run or a node."""
    link = {
        "title": f"This {label} on the lab's pages",
        "url": f"${{lab:raw}}/{label}s/${{__value.raw:percentencode}}",
        "targetBlank": False,
    }
    return dashboard.DynamicConfigValue(id_val="links", value=[link])


def measuring(name: str) -> Any:
    """Mark when something was measured on the chosen nodes."""
    return (
        builders.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color(STRATEGY_COLOURS["threads"])
        .expr(f"parlab_node_sitting_info{{{NODES}}}")
    )


def _targets(queries: Mapping[str, str], *, table: bool) -> list[Any]:
    made = []
    for letter, (legend, expr) in zip(ascii_uppercase, queries.items(), strict=False):
        target = prometheus.Dataquery().expr(expr).ref_id(letter).datasource(DATASOURCE)
        if table:
            # The latest values, in columns that are named by what follows.
            made.append(target.format(PromQueryFormat.TABLE).instant())
        else:
            target = target.format(PromQueryFormat.TIME_SERIES).range()
            made.append(target.legend_format(legend) if legend else target)
    return made


def _legend() -> Any:
    return (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([])
    )


def _overrides(colours: Mapping[str, str]) -> list[Any]:
    return [
        builders.DashboardFieldConfigSourceOverrides()
        .matcher(dashboard.MatcherConfig(id_val="byRegexp", options=f"/^{name}\\b/"))
        .properties(
            [dashboard.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})]
        )
        for name, colour in colours.items()
    ]
