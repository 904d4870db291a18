"""What all dashboards share: variables, links, colours, and how panels are laid out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Query:
    """One query of a panel."""

    expr: str
    legend: str = ""
    #: Whether the latest values are a table of their own.
    instant: bool = False


#: Cells whose colour is their value: from blue by yellow to red.
_HOT = [
    dashboard.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background"}),
    dashboard.DynamicConfigValue(id_val="color", value={"mode": "continuous-BlYlRd"}),
]

Panel = Any
Row = tuple[int, Sequence[tuple[Panel, int]]]


def series(
    title: str,
    about: str,
    unit: str,
    queries: Iterable[Query],
    *,
    stacked: bool = False,
    least: float | None = 0,
    logarithmic: bool = False,
    colours: Mapping[str, str] = STRATEGY_COLOURS,
) -> Panel:
    """Make a panel of lines over time; ``colours`` are given to lines by the word they begin with."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .datasource(DATASOURCE)
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
        .targets(_targets(queries))
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


def number(title: str, about: str, unit: str, query: Query, *, red_from: float | None = None) -> Panel:
    """Make a panel of a few large numbers; from ``red_from`` on they are red."""
    steps = [dashboard.Threshold(value=None, color="text")]
    if red_from is not None:
        steps.append(dashboard.Threshold(value=red_from, color="red"))
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .datasource(DATASOURCE)
        .thresholds(builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.AUTO)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .targets(_targets([query]))
    )


def listing(
    title: str,
    about: str,
    unit: str,
    queries: Mapping[str, str],
    *,
    columns: Sequence[str],
    units: Mapping[str, str] | None = None,
    coloured: Sequence[str] = (),
    worded: Mapping[str, Mapping[str, str]] | None = None,
    hidden: Sequence[str] = (),
    sort: Sequence[str] = (),
) -> Panel:
    """Make a table: a row per set of labels, a column per query, named by the keys of ``queries``.

    ``coloured`` columns have the colour of their value, ``worded`` ones that of the word in each cell.
    """
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    single = len(queries) == 1
    values = {("Value" if single else f"Value #{letters[i]}"): name for i, name in enumerate(queries)}
    order = {name: index for index, name in enumerate([*columns, *values])}
    excluded = dict.fromkeys(("Time", "__name__", "instance", "job", *hidden), True)
    panel = (
        table.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .datasource(DATASOURCE)
        .targets(_targets([Query(expr, instant=True) for expr in queries.values()], as_table=True))
        .with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            dashboard.DataTransformerConfig(
                id_val="organize",
                options={"excludeByName": excluded, "indexByName": order, "renameByName": values},
            )
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


def heat_map(title: str, about: str, unit: str, expr: str, *, row: str, column: str) -> Panel:
    """Make a matrix of coloured cells: a row and a column per value of two labels of ``expr``."""
    matrix = {"columnField": column, "rowField": row, "valueField": "Value", "emptyValue": "null"}
    return (
        table.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .decimals(2)
        .datasource(DATASOURCE)
        .targets(_targets([Query(expr, instant=True)], as_table=True))
        .with_transformation(dashboard.DataTransformerConfig(id_val="groupingToMatrix", options=matrix))
        .show_header(True)
        .override_by_field_type("number", _HOT)
    )


def word_map(
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
    matrix = {"columnField": column, "rowField": row, "valueField": word, "emptyValue": "null"}
    corner = [
        dashboard.DynamicConfigValue(id_val="displayName", value=row),
        dashboard.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "auto"}),
        dashboard.DynamicConfigValue(id_val="custom.width", value=360),
    ]
    panel = (
        table.Panel()
        .title(title)
        .description(about)
        .unit("none")
        .datasource(DATASOURCE)
        .targets(_targets([Query(expr, instant=True)], as_table=True))
        .show_header(True)
        .override_by_field_type("string", worded_cells(colours, absent))
        .override_by_name(f"{row}\\{column}", corner)
    )
    # The matrix has rows and columns in the order in which they are met, and sorting keeps what is equal.
    for field in (column, "Value"):
        by = {"sort": [{"field": field, "desc": False}]}
        panel = panel.with_transformation(dashboard.DataTransformerConfig(id_val="sortBy", options=by))
    return panel.with_transformation(
        dashboard.DataTransformerConfig(id_val="groupingToMatrix", options=matrix)
    )


def states(title: str, about: str, query: Query) -> Panel:
    """Make a time line: what is there, when."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(about)
        .unit("none")
        .datasource(DATASOURCE)
        .targets(_targets([query]))
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
        .legend(_legend())
        .color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
    )


def curve(title: str, about: str, unit: str, expr: str, *, x_label: str) -> Panel:
    """Make an XY panel: a line per ``series`` label over the number in ``max_workers``."""
    return (
        xychart.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .datasource(DATASOURCE)
        .min(0)
        .targets(_targets([Query(expr, instant=True)], as_table=True))
        .with_transformation(
            dashboard.DataTransformerConfig(
                id_val="convertFieldType",
                options={"conversions": [{"targetField": "max_workers", "destinationType": "number"}]},
            )
        )
        .with_transformation(
            dashboard.DataTransformerConfig(
                id_val="sortBy", options={"sort": [{"field": "max_workers", "desc": False}]}
            )
        )
        .with_transformation(
            dashboard.DataTransformerConfig(
                id_val="groupingToMatrix",
                options={"columnField": "series", "rowField": "max_workers", "valueField": "Value"},
            )
        )
        .with_transformation(
            dashboard.DataTransformerConfig(
                id_val="convertFieldType",
                options={
                    "conversions": [{"targetField": "max_workers\\series", "destinationType": "number"}]
                },
            )
        )
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


def page(
    uid: str,
    title: str,
    about: str,
    rows: Sequence[Row],
    *,
    annotations: Sequence[Any] = (),
    choices: Sequence[Choice] = CONFIGURATION_CHOICES,
) -> Any:
    """Lay panels out and make a dashboard of them: rows of (height, [(panel, width), …])."""
    made = (
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
    for annotation in annotations:
        made = made.annotation(annotation)
    top, number_of = 0, 1
    for height, panels in rows:
        left = 0
        for panel, width in panels:
            made = made.with_panel(
                panel.id(number_of).grid_pos(dashboard.GridPos(h=height, w=width, x=left, y=top))
            )
            left += width
            number_of += 1
        assert left <= COLUMNS, f"{title}: a row of {left} columns"
        top += height
    return made


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


def _targets(queries: Iterable[Query], *, as_table: bool = False) -> list[Any]:
    made = []
    for letter, query in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", queries, strict=False):
        target = (
            prometheus.Dataquery()
            .expr(query.expr)
            .ref_id(letter)
            .datasource(DATASOURCE)
            .format(PromQueryFormat.TABLE if as_table else PromQueryFormat.TIME_SERIES)
        )
        target = target.instant() if query.instant else target.range()
        made.append(target.legend_format(query.legend) if query.legend else target)
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
