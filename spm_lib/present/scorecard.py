"""A rep's own scorecard: key figures, own past and the team's middle, the way to the quota, own deals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spm_lib.metrics.comparison import NO_DATA
from spm_lib.models.scorecard_figures import FIGURES, LEAST_DEALS
from spm_lib.present.chart import draw_chart, title_of
from spm_lib.present.display import EMPTY, Block
from spm_lib.present.findings.plan import pace_basis
from spm_lib.present.findings.rows import Expected
from spm_lib.present.findings.scorecard import figure_value, outlook_of
from spm_lib.present.kpi import Kpi, kpi_strip
from spm_lib.present.prose import note
from spm_lib.present.recognition import own_recognition_list
from spm_lib.present.rows import Figures, bars, forecasts, outlines, pace_line, plan_line, rows_board
from spm_lib.present.tables import Column, table
from spm_lib.present.trends import trend_chart
from spm_lib.theme import LIGHT, Look, is_unknown, tone

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching
    from spm_lib.models.scorecard import Scorecard

Row = Mapping[Any, Any]

_METRICS = {metric.name: metric for metric in FIGURES}
#: What is said once of all figures instead of with each.
SAME_POINT = " at the same point"
#: Shown as key figures; the pace stands in a sentence.
_KEY = tuple(name for name in _METRICS if name != "quota_pace")
#: Where a figure can be known.
_SIDES = ("value", "previous", "usual", "middle")
_ARROWS = (
    "▲ or ▼: you are above or below it beyond chance. What carries neither lies within your normal variation, or rests on "
    "too few deals to tell. Attainment and pace follow revenue, and are not tested besides."
)
_PEOPLE = "In brackets: of how many people the team's middle is."
_FEW = f"Empty: nothing that can be told yet. An interval takes {LEAST_DEALS} deals, and that of a median of days six."
#: The own months are drawn of so many.
LEAST_MONTHS = 3


def scorecard_kpis(card: Scorecard, before: str, *, look: Look | None = None) -> Block:
    """Show the rep's key figures, each with the team's middle and the own past.

    Parameters
    ----------
    card
        The scorecard.
    before
        The period before, as people write it.
    look
        How numbers are written.
    """
    look = look or Look()
    short = before.removesuffix(SAME_POINT)
    rows = [row for row in card.told.to_dict("records") if row["metric"] in _KEY]
    # What is not known, such as attainment without a quota, is said in a sentence elsewhere.
    known = [row for row in rows if not is_unknown(row["value"])] or rows
    if not known:
        return EMPTY
    items, told = [], False
    for row in known:
        metric, unit = _METRICS[row["metric"]], str(row["unit"])
        said = (
            [] if is_unknown(row["middle"]) else [f"team's middle {figure_value(row['middle'], unit, look)}"]
        )
        # Nothing on both sides is no comparison.
        comparable = not is_unknown(row["difference"]) and row["n"] + row["previous_n"] > 0
        told = told or comparable
        if comparable and not row["significant"]:
            # An arrow means beyond chance, on this page as in its table.
            said.append(f"{_signed(row['difference'], unit, look)} on {short}{_by_chance(row)}")
        compared = short if comparable and row["significant"] else ()
        # The interval stands in the table: beside a few deals it is wider than a person has patience for.
        no_past = NO_DATA.format(label=row["against"])
        shown = {**row, "low": None, "high": None, "note": None if row["note"] == no_past else row["note"]}
        remark = "; ".join(said)
        items.append(Kpi.from_row(shown, metric.label, better=metric.better, against=compared, remark=remark))
    same = short != before and told
    return kpi_strip(items, look) + note(f"{short} is seen at the same point of it." if same else "")


def scorecard_table(card: Scorecard, before: str, *, look: Look | None = None) -> Block:
    """Show each figure beside the period before, the own usual and the team's middle; what nobody knows has no column.

    What differs beyond chance carries an arrow. See `scorecard_kpis`.
    """
    look = look or Look()
    # A figure that is known on no side is said nowhere: its row would be dashes.
    rows = [row for row in card.told.to_dict("records") if not all(is_unknown(row[name]) for name in _SIDES)]
    if not rows:
        return EMPTY
    alike = len({row["n_people"] for row in rows if not is_unknown(row["middle"])}) <= 1
    shown = pd.DataFrame(
        {
            "_label": [_METRICS[row["metric"]].label for row in rows],
            "_own": [_value(row, "value", look) for row in rows],
            "_before": [_judged(row, "previous", "difference", "significant", look) for row in rows],
            "_usual": [_judged(row, "usual", "usual_difference", "usual_significant", look) for row in rows],
            "_middle": [_middle(row, look, alike=alike) for row in rows],
            "_n": [row["n"] for row in rows],
            "_interval": [_interval(row, look) for row in rows],
            "_before_tone": [_tone(row, "difference", "significant") for row in rows],
            "_usual_tone": [_tone(row, "usual_difference", "usual_significant") for row in rows],
        },
        dtype=object,
    )
    columns = {
        "_label": Column("Figure"),
        "_own": Column("You", "written"),
        "_before": Column("Before", "written", tone="_before_tone"),
        "_usual": Column("Your usual", "written", tone="_usual_tone"),
        "_middle": Column("Team's middle", "written"),
        "_n": Column("n", "count"),
        "_interval": Column("95% interval", "written"),
    }
    columns = {name: column for name, column in columns.items() if shown[name].notna().any()}
    # An empty cell beside others is not a number that got lost: there is too little to tell it.
    shown = shown.astype(object).where(shown.notna(), "")
    past = "_before" in columns
    caption = f"Your figures in {look.currency}, {card.period.title}" + (
        f"; before: {before}" if past else ""
    )
    notes = [_ARROWS] if past or "_usual" in columns else []
    notes += [_FEW] if (shown["_interval"] == "").any() else []
    notes += [] if alike else [_PEOPLE]
    return table(shown, columns, caption=caption, look=look, notes=notes)


def _signed(difference: object, unit: str, look: Look) -> str:
    """Write a difference with its sign and no arrow."""
    return look.difference(difference, unit).split(" ", 1)[1]


def _by_chance(row: Row) -> str:
    return "" if is_unknown(row["p_value"]) else ", within normal variation"


def _middle(row: Row, look: Look, *, alike: bool) -> str | None:
    """Write the team's middle, with how many people it is of where that is not alike for all figures."""
    written = _value(row, "middle", look)
    return written if written is None or alike else f"{written} ({look.value(row['n_people'], 'count')})"


def _interval(row: Row, look: Look) -> str | None:
    low, high, unit = row["low"], row["high"], str(row["unit"])
    if unit == "count" and not is_unknown(low):
        low, high = round(float(low)), round(float(high))
    return look.interval(low, high, unit) or None


def _value(row: Row, name: str, look: Look) -> str | None:
    if is_unknown(row[name]):
        return None
    return figure_value(row[name], str(row["unit"]), look)


def _judged(row: Row, name: str, difference: str, sure: str, look: Look) -> str | None:
    written = _value(row, name, look)
    if written is None or not row[sure]:
        return written
    return f"{'▲' if float(row[difference]) > 0 else '▼'} {written}"


def _tone(row: Row, difference: str, sure: str) -> str:
    return tone(row[difference], _METRICS[str(row["metric"])].better, significant=bool(row[sure]))


def target_chart(
    card: Scorecard, coaching: Coaching, expected: Expected, *, look: Look | None = None
) -> Block:
    """Draw the way to the quota: what is won, what is open and due, and where the rep is heading.

    Parameters
    ----------
    card
        The scorecard; without a quota, or with the period over, nothing is drawn.
    coaching
        Of the one rep; its outlook is drawn where it is one of this period.
    expected
        The share of a period's revenue to expect at this point.
    look
        How numbers are written.
    """
    look = look or Look()
    target = card.target
    if math.isnan(target.quota) or math.isnan(target.revenue) or not target.days_left:
        return EMPTY
    won, due, heading = max(target.revenue, 0.0), max(target.due, 0.0), outlook_of(card, coaching)
    rows = [("Won", "AC", 0.0, target.revenue, target.revenue)]
    if target.due_n:
        rows.append(("Open and due", "FC", won, won + due, target.due))
    if heading is not None:
        rows.append(
            ("Heading for", "FC", float(heading["low"]), float(heading["high"]), float(heading["expected"]))
        )
    written = [look.value(value, "currency") for *_, value in rows]
    longest = max([target.quota, *(ends for _, _, _, ends, _ in rows)])

    def paint() -> Figure:
        figure, axes = rows_board(
            [name for name, *_ in rows],
            [Figures("", written)],
            span=(min(target.revenue, 0.0), longest * 1.04),
            bottom=20,
        )
        outlines(axes, [target.quota, *[0.0] * (len(rows) - 1)])
        bars(axes, [target.revenue, *[0.0] * (len(rows) - 1)])
        begins = [begin if scenario == "FC" else 0.0 for _, scenario, begin, _, _ in rows]
        forecasts(
            axes,
            [ends - begin if scenario == "FC" else 0.0 for _, scenario, begin, ends, _ in rows],
            begins=begins,
        )
        _quota_line(axes, target.quota, look, longest)
        usual = expected.share * target.quota
        pace_line(axes, f"usual by now {look.value(usual, 'currency')}", usual)
        return figure

    title = title_of(
        f"The way to your quota (PL) in {look.currency}", card.period.title, "AC, FC", own_scale=True
    )
    quota = look.value(target.quota, "currency")
    said = [f"Won {written[0]} of a quota of {quota}"]
    if target.due_n:
        said.append(f"{look.value(target.due, 'currency')} open and expected by {look.date(target.ends_on)}")
    if heading is not None:
        said.append(f"heading for {look.interval(heading['low'], heading['high'], 'currency')}")
    data = table(
        pd.DataFrame(rows, columns=["_name", "_scenario", "_from", "_to", "_value"]),
        {
            "_name": "Part",
            "_scenario": "Scenario",
            "_value": Column("Amount", "currency"),
            "_from": Column("Drawn", "interval", high="_to", of="currency"),
        },
        caption=title,
        look=look,
    )
    notes = ["Open and due: the whole amount of the open deals, as if all were won."] if target.due_n else []
    notes.append(pace_basis(expected, look))
    return draw_chart(paint, alt=f"{', '.join(said)}.", title=title, data=data, notes=notes)


def _quota_line(axes: Axes, quota: float, look: Look, longest: float) -> None:
    """Draw the quota through all rows, its name above and within the picture."""
    axes.axvline(quota, color=LIGHT.muted, linewidth=0.9, zorder=6)
    plan_line(axes, f"PL {look.value(quota, 'currency')}", min(quota, 0.9 * longest))


def own_months_chart(card: Scorecard, *, look: Look | None = None, message: str = "") -> Block:
    """Draw the rep's revenue of the last months with its own mean and range; nothing of few months, or of none with a deal.

    See `trend_chart`.
    """
    if len(card.months) < LEAST_MONTHS or not card.months["n"].any():
        return EMPTY
    # The range of chance is drawn; intervals of a few deals a month beside it would be dashes and guesses.
    months = card.months.drop(columns=["low", "high"])
    return trend_chart(months, label="Your revenue", better="higher", look=look, message=message)


def own_deals_table(card: Scorecard, *, limit: int = 5, look: Look | None = None) -> Block:
    """Show the rep's largest open deals that are expected in the period; nothing where there is none, or it is over."""
    look = look or Look()
    if card.due.empty:
        return EMPTY
    columns = {
        "name": Column("Deal"),
        "amount": Column("Amount", "currency"),
        "expected_close_on": Column("Expected", "date"),
    }
    caption = f"Your largest open deals expected to close, {look.currency}, {card.period.title}"
    return table(card.due, columns, caption=caption, look=look, limit=limit)


def own_wins(
    card: Scorecard,
    recognition: pd.DataFrame,
    labels: Mapping[str, str],
    *,
    limit: int = 5,
    look: Look | None = None,
) -> Block:
    """Show what the rep has earned by the company's own rules, where that is anything, and the largest deals won.

    Parameters
    ----------
    card
        The scorecard.
    recognition
        The rep's own rows: see `spm_lib.models.recognition.recognitions_of`.
    labels
        What each kind is called.
    limit
        The most deals.
    look
        How numbers are written.
    """
    look = look or Look()
    # A line that says that nothing was earned is no news that anybody is glad of.
    earned = (
        EMPTY
        if recognition.empty
        else own_recognition_list(recognition, labels, card.period, card.as_of, look=look)
    )
    return earned + _wins_table(card, limit, look)


def _wins_table(card: Scorecard, limit: int, look: Look) -> Block:
    if card.won.empty:
        return EMPTY
    columns = {
        "name": Column("Deal"),
        "amount": Column("Amount", "currency"),
        "closed_on": Column("Won on", "date"),
    }
    caption = f"Your largest deals won, {look.currency}, {card.period.title}"
    return table(card.won, columns, caption=caption, look=look, limit=limit)
