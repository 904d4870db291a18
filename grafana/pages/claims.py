"""Claims: what each came to on every host and build, and what was seen of it."""

from __future__ import annotations

from typing import Any

from grafana.shape import CLAIMS, RUN, Page, listing, number, series, word_map
from grafana.variables import CLAIM_CHOICES
from grafana.words import SIDE_COLOURS, WORD_COLOURS

#: Labels of a cell, which all its figures share.
_CELL = "run, host, node, python, claim, cell"


def _words() -> str:
    """Give each claim's word per build; the value is the claim's number, by which rows are sorted."""

    def verdicts(only: str) -> str:
        return (
            f"max by (run, host, node, python, claim, verdict, depends_on) (parlab_claim_verdict{{{CLAIMS}, {only}}})"
            f" * on (run, claim) group_left () max by (run, claim) (parlab_claim_number{{{RUN}}})"
            f" * on (run, claim) group_left (title) max by (run, claim, title) (parlab_claim_info{{{RUN}}})"
        )

    depending = f"""label_join({verdicts('depends_on!=""')}, "word", " on ", "verdict", "depends_on")"""
    others = f"""label_join({verdicts('depends_on=""')}, "word", "", "verdict")"""
    return (
        f'label_join(label_join({depending} or {others}, "claimed", " · ", "claim", "title"),'
        ' "place", " · ", "host", "node", "python", "run")'
    )


def _of_cells(*metrics: str, only: str = "") -> str:
    """Give figures of cells with what each cell is about; a cell has one of several ``metrics``."""
    figures = " or ".join(f"{metric}{{{CLAIMS}{only}}}" for metric in metrics)
    about = "contrast, rule, unit, supports, side"
    # All columns with the same labels: else the table would not put them into one row.
    return (
        f"max by ({_CELL}) ({figures}) * on ({_CELL}) group_left ({about})"
        f" max by ({_CELL}, {about}) (parlab_claim_cell_info{{{CLAIMS}}})"
    )


def _either(what: str) -> str:
    """Give what is a ratio for most cells, and in units of its own for the others."""
    return _of_cells(f"parlab_claim_{what}_ratio", f"parlab_claim_{what}")


def claims() -> Any:
    """Every claim on every host and build: its word, its cells, and how it came to be settled."""
    page = Page(
        "parlab-claims",
        "parlab · Claims",
        "The claims, and what became of them on each host and build: supported, refuted, depends or unresolved.",
        choices=CLAIM_CHOICES,
    )
    page.row(
        16,
        word_map(
            24,
            "Claims by host and build",
            "supported, refuted: in every condition tested; depends: true in some conditions and not in "
            "others; unresolved: not known yet; skipped: this build cannot do it. A column is a host, "
            "node, Python and run. At most 5 % of a run's words are wrong, unless it asks for another rate.",
            _words(),
            row="claimed",
            column="place",
            word="word",
            colours=WORD_COLOURS,
            absent="not in this run",
        ),
    )
    page.row(
        14,
        listing(
            24,
            "What was seen",
            "Each condition of each claim: how many times as good one way is as the other, or a value in "
            "the unit that is named, with its interval, which is valid at any time. It supports "
            "the claim where it lies on the side of the bound that supports names. for and against are "
            "e-values: the evidence for either side of the bound.",
            {
                "effect": _either("effect"),
                "from": _either("effect_lower"),
                "to": _either("effect_upper"),
                "bound": _either("bound"),
                "blocks": _of_cells("parlab_claim_blocks"),
                "for": _of_cells("parlab_claim_cell_evidence", only=', side="towards"'),
                "against": _of_cells("parlab_claim_cell_evidence", only=', side="away"'),
            },
            columns=(
                *("claim", "contrast", "side", "supports", "unit", "python"),
                *("node", "host", "run", "rule", "cell"),
            ),
            units={"for": "sci", "against": "sci"},
            worded={"side": SIDE_COLOURS},
            sort=("claim", "cell", "python"),
        ),
    )
    page.row(
        9,
        series(
            10,
            "Words over time",
            "How many claims have which word, over all builds. Settled means supported, refuted or depends.",
            {"{{verdict}}": f"count by (verdict) (parlab_claim_verdict{{{CLAIMS}}})"},
            stacked=True,
            colours=WORD_COLOURS,
        ),
        series(
            14,
            "Evidence as blocks come in",
            "E-value of each claim's likeliest word; what is below 0.01 is drawn there. The more claims "
            "and builds a run has, the more it takes for a word. Choose a claim to see it clearly.",
            {"{{claim}} · {{python}} · {{node}}": f"clamp_min(parlab_claim_evidence{{{CLAIMS}}}, 0.01)"},
            least=None,
            logarithmic=True,
        ),
    )
    page.row(
        10,
        number(
            4,
            "Settled",
            "Share of a run's claims on its builds that have their word, of those that can be tried there.",
            f"parlab_run_claims_settled{{{RUN}}} / (parlab_run_claims{{{RUN}}} > 0)",
            "{{run}}",
            unit="percentunit",
        ),
        number(
            4,
            "Left out",
            "Claims on builds that Prometheus is not shown, since their run has too many cells.",
            f"parlab_run_claims_left_out{{{RUN}}}",
            "{{run}}",
            red_from=1,
        ),
        listing(
            16,
            "What is claimed",
            "The claims of the chosen runs in full.",
            {"is": f'parlab_claim_info{{{RUN}, claim=~"$claim"}}'},
            columns=("claim", "title", "text", "run"),
            hidden=("Value",),
            sort=("claim",),
        ),
    )
    return page.dashboard
