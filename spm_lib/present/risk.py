"""Deals at risk: the key figures, what to do first as a list, all of them as a table, the money by owner or team."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from spm_lib.present.chart import draw_chart, title_of
from spm_lib.present.display import EMPTY, Block, clean, is_null, joined, name_html, nothing
from spm_lib.present.findings.risk_shapes import Flagged, Judged
from spm_lib.present.findings.risk_words import USUAL, action_words, chance, why_words
from spm_lib.present.kpi import Kpi, kpi_strip
from spm_lib.present.prose import plural
from spm_lib.present.rows import Figures, bars, forecasts, rows_board
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look, is_unknown

#: The most rows of the chart.
ROWS = 20


def risk_kpis(figures: pd.DataFrame, flags: Flagged, record: Judged, *, look: Look | None = None) -> Block:
    """Show the key figures of deals at risk.

    Parameters
    ----------
    figures
        Rows of `spm_lib.models.risk_figures.risk_figures`.
    flags, record
        What they were made of.
    look
        How numbers are written.
    """
    look = look or Look()
    remarks = dict.fromkeys(figures["metric"], "")
    if flags.scored_on and flags.ends_on:
        due, by = look.value(flags.money.due, "currency"), look.date(flags.ends_on)
        no_sum = flags.money.n == flags.money.unknown
        remarks["money_at_risk"] = f"no amount due by {by} is known" if no_sum else f"of {due} due by {by}"
        if not no_sum and flags.signal and not is_unknown(flags.money.usual):
            remarks["money_at_risk"] += f", {look.value(flags.money.usual, 'currency')} is usual"
        new = int((flags.flagged["change"] == "new").sum())
        remarks["flagged_deals"] = (
            f"{new or 'none'} new since {look.date(flags.earlier_on)}" if flags.earlier_on else ""
        )
    if record.scored_on and record.flagged:
        usual = record.flagged.get("usual")
        compared = "" if is_unknown(usual) else f", {chance(usual, look)} is usual"
        remarks["flags_came_true"] = f"of those of {look.date(record.scored_on)}{compared}"
    items = [
        Kpi.from_row(row, str(row["label"]), remark=remarks[str(row["metric"])])
        for row in figures.to_dict("records")
    ]
    return kpi_strip(items, look)


def risk_list(flags: Flagged, *, limit: int = 3, team: bool = False, look: Look | None = None) -> Block:
    """Show the first flagged deals: what each is worth, why it is flagged, what to do first.

    Parameters
    ----------
    flags
        See `spm_lib.models.flags.Flags`; nothing is shown of deals that are not scored.
    limit
        The most deals.
    team
        Whether to name each deal's team.
    look
        How numbers are written.
    """
    look = look or Look()
    if flags.scored_on is None or flags.ends_on is None:
        return EMPTY
    flagged = flags.flagged
    if flagged.empty:
        clear = "no open deal is flagged" if len(flags.deals) else "there are no open deals"
        return nothing(f"{clear} as of {look.date(flags.scored_on)}")
    told = [_deal(row, flags, team, look) for row in flagged.head(limit).to_dict("records")]
    more = len(flagged) - len(told)
    rest = f"{plural(more, 'more deal', look=look)} {'is' if more == 1 else 'are'} flagged." if more else ""
    html = Markup('<div class="spm spm-deals"><ul>{}</ul>{}</div>').format(
        joined(html for html, _ in told),
        Markup('<p class="spm-note">{}</p>').format(rest) if rest else "",
    )
    return Block(html, "\n".join([*(f"- {text}" for _, text in told), *([rest] if rest else [])]))


def _deal(row: Mapping[Any, Any], flags: Flagged, team: bool, look: Look) -> tuple[Markup, str]:
    name, amount = clean(row["name"]), look.value(row["amount"], "currency")
    worth = "amount unknown" if is_unknown(row["amount"]) else amount
    aside = [clean(row["rep_name"])] if not is_null(row["rep_name"]) else []
    if team and not is_null(row["team_name"]):
        aside.append(clean(row["team_name"]))
    if not is_null(row["stage"]):
        aside.append(clean(row["stage"]))
    if not is_null(row["expected_close_on"]):
        aside.append(f"expected {look.date(pd.Timestamp(row['expected_close_on']).date())}")
    risk, why = _risk(row, flags, look), why_words(row, look, signal=flags.signal)
    action = action_words(row, signal=flags.signal)
    said = " ".join(part for part in (risk, why) if part)
    lines = [
        # The comma is for mails, where all stands on one line.
        Markup('<span class="spm-lead"><b>{}</b><span class="spm-apart">, </span><b>{}</b></span>').format(
            name_html(row["name"]), worth
        ),
        Markup('<span class="spm-muted">{}</span>').format(f"{' · '.join(aside)}.") if aside else "",
        Markup("<span>{}</span>").format(said) if said else "",
        Markup("<span><b>First:</b> {}</span>").format(action) if action else "",
    ]
    text = " ".join(
        part for part in (f"{name}, {worth}.", f"{', '.join(aside)}." if aside else "", said) if part
    )
    return (
        Markup("<li>{}</li>").format(joined((line for line in lines if line), between=" ")),
        f"{text} First: {action}" if action else text,
    )


def _risk(row: Mapping[Any, Any], flags: Flagged, look: Look) -> str:
    new = "New. " if row["change"] == "new" else ""
    if not flags.signal or is_unknown(row["at_risk"]):
        return new.strip()
    usual = (
        "" if is_unknown(row["usual_at_risk"]) else f", where {chance(row['usual_at_risk'], look)} is usual"
    )
    return f"{new}{chance(row['at_risk'], look)} at risk{usual}."


def risk_table(
    flags: Flagged, *, skip: int = 0, limit: int = 25, team: bool = False, look: Look | None = None
) -> Block:
    """Show the flagged deals after the first `skip` in a table, those that may lose most first; see `risk_list`."""
    look = look or Look()
    flagged = flags.flagged.iloc[skip:]
    if flags.scored_on is None or flags.ends_on is None or flagged.empty:
        return EMPTY
    what = "Other deals flagged" if skip else "Deals flagged"
    shown = flagged.assign(
        _risk=[chance(value, look) for value in flagged["at_risk"]],
        _usual=[chance(value, look) for value in flagged["usual_at_risk"]],
        _why=[why_words(row, look, signal=flags.signal, limit=1) for row in flagged.to_dict("records")],
    )
    # What a phone shows without scrolling comes first.
    columns: dict[str, Column | str] = {"name": "Deal", "amount": Column("Amount", "currency")}
    if flags.signal:
        columns |= {
            "_risk": Column("At risk", "written"),
            "_usual": Column("Usual", "written"),
            "expected_loss": Column("May lose", "currency"),
        }
    columns |= {"_why": Column("Main reason", "prose"), "rep_name": "Owner"}
    if team:
        columns["team_name"] = Column("Team", "team", key="team")
    columns["expected_close_on"] = Column("Expected", "date")
    notes = (
        [f"May lose: the amount times how far the chance to win lies below the usual. Usual: {USUAL}."]
        if flags.signal
        else []
    )
    return table(
        shown,
        columns,
        caption=f"{what}, {look.currency}, by {look.date(flags.ends_on)}, scored on {look.date(flags.scored_on)}",
        look=look,
        limit=limit,
        notes=notes,
    )


def risk_chart(
    groups: pd.DataFrame, flags: Flagged, *, look: Look | None = None, message: str = "", alt: str = ""
) -> Block:
    """Draw the money due of each owner or team, and how much of it is at risk.

    Parameters
    ----------
    groups
        Rows of `spm_lib.models.risk_money.money_by`.
    flags
        What they were made of.
    look, message, alt
        As in `attainment_chart`.
    """
    look = look or Look()
    by = "team" if "team" in groups.columns else "rep"
    head = "Team" if by == "team" else "Owner"
    due = groups[groups["n"] > 0]
    if not flags.signal or flags.ends_on is None or due.empty or due["due"].sum() <= 0:
        return EMPTY
    shown = due.head(ROWS).assign(_name=[_group(value) for value in due.head(ROWS)[f"{by}_name"]])
    risk = [max(0.0, float(v)) for v in shown["at_risk"]]
    whole = [max(float(v), r) for v, r in zip(shown["due"], risk, strict=True)]
    columns = [
        Figures("FC at risk", [look.value(v, "currency") for v in risk]),
        Figures("AC due", [look.value(v, "currency") for v in whole]),
        Figures("n", [look.value(n, "count", compact=False) for n in shown["n"]], small=True),
    ]

    def paint() -> Figure:
        figure, axes = rows_board(list(shown["_name"]), columns, span=(0, max(whole) or 1.0))
        safe = [w - r for w, r in zip(whole, risk, strict=True)]
        bars(axes, safe)
        forecasts(axes, risk, begins=safe)
        return figure

    title = title_of(
        f"Open amounts due by {look.date(flags.ends_on)}, in {look.currency}, the part at risk hatched",
        "",
        "AC, FC",
        own_scale=True,
    )
    most = shown.iloc[0]
    made = (
        f"{clean(most['_name'])} has most at risk: {look.value(most['at_risk'], 'currency')} of "
        f"{look.value(most['due'], 'currency')} due in {plural(most['n'], 'deal', look=look)}."
    )
    data = table(
        shown,
        {
            "_name": Column(head, "team", key="team") if by == "team" else head,
            "at_risk": Column("At risk", "currency"),
            "low": Column("95% interval", "interval", high="high", of="currency"),
            "due": Column("Due", "currency"),
            "n": Column("n", "count"),
            "flagged": Column("Flagged", "count"),
        },
        caption=title,
        look=look,
    )
    rest = len(due) - len(shown)
    notes = [f"{plural(rest, 'more is', 'more are', look=look)} not drawn."] if rest else []
    return draw_chart(paint, alt=alt or made, title=title, message=message, data=data, notes=notes)


def _group(name: object) -> str:
    return "Nobody" if is_null(name) else clean(name)
