"""Findings in sentences: what rows of figures say, with n, and no more than their intervals allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import pandas as pd

from spm_lib.present.display import clean, is_null
from spm_lib.present.prose import describe_change, join_names, plural, sentence
from spm_lib.theme import Look, is_unknown

Row = Mapping[Any, Any]

#: Within this distance of the plan or the pace a figure is on it, whatever its interval.
NEUTRAL = 0.02


class Expected(Protocol):
    """The share of a period's result to expect by now."""

    @property
    def share(self) -> float:
        """0 to 1."""

    @property
    def method(self) -> str:
        """How it was found."""

    @property
    def n(self) -> int:
        """Number of earlier periods it rests on."""


def row_of(frame: pd.DataFrame, metric: str) -> dict[Any, Any]:
    """Give the one row of `metric`, an empty one where there is none."""
    rows = frame[frame["metric"] == metric].to_dict("records")
    return (
        rows[0]
        if rows
        else {"metric": metric, "value": None, "n": 0, "unit": "count", "note": "not asked for"}
    )


def standing(
    kpis: pd.DataFrame, expected: Expected, *, name: str, period: str, before: str, look: Look
) -> str:
    """Say in one sentence whether a team is on track.

    Parameters
    ----------
    kpis
        Rows of `compare` for the whole scope with revenue, quota_attainment and quota_pace.
    expected
        The share to expect at this point.
    name, period, before
        The team; this period and the one compared with, as people write them.
    """
    revenue, attainment, pace = (row_of(kpis, m) for m in ("revenue", "quota_attainment", "quota_pace"))
    won = plural(revenue["n"], "deal", look=look)
    money = look.value(revenue["value"], "currency")
    if is_unknown(revenue["value"]):
        return sentence([f"{name}: revenue for {period} is not known ({revenue['note'] or 'no data'})"])
    if is_unknown(attainment["value"]):
        change = ""
        if not is_unknown(revenue.get("difference")):
            change = describe_change(
                revenue["difference"],
                "currency",
                before,
                significant=bool(revenue.get("significant")),
                look=look,
            )
        if revenue["n"] == 0:
            return sentence([f"{name} won no deals in {period}", change])
        return sentence([f"{name} won {money} in {period} from {won}", change])
    reached = look.value(attainment["value"], "share")
    if expected.method == "complete":
        verdict = "made its quota" if attainment["value"] >= 1 else "missed its quota"
        return sentence([f"{name} {verdict} for {period}: {reached}, {money} from {won}"])
    verdict = {"ahead": "ahead of pace", "behind": "behind pace"}.get(judged_against(pace, 1.0), "on pace")
    usual = look.value(expected.share, "share")
    return sentence([f"{name} is {verdict} for {period}: {reached} of quota, where {usual} is usual by now"])


def pace_basis(expected: Expected, look: Look) -> str:
    """Say where the pace to expect comes from."""
    share = look.value(expected.share, "share")
    if expected.method == "complete":
        return "The period is over: the whole quota is to expect."
    if expected.method == "earlier periods":
        return (
            f"By this point the company had {share} of a period's revenue in the median of the last "
            f"{plural(expected.n, 'period')}."
        )
    return (
        f"{share} of the working days are over; fewer than four earlier periods are known, so a straight line "
        "stands in, and most periods earn late."
    )


def judged_against(row: Row, level: float) -> str:
    """Judge a figure by its interval: ``ahead`` or ``behind`` of a level, ``level`` where neither is sure."""
    value, low, high = row.get("value"), row.get("low"), row.get("high")
    if is_unknown(value) or is_unknown(low) or is_unknown(high):
        return "unknown"
    if abs(float(value) - level) <= NEUTRAL:  # type: ignore[arg-type]
        return "level"
    if float(low) > level:  # type: ignore[arg-type]
        return "ahead"
    return "behind" if float(high) < level else "level"  # type: ignore[arg-type]


def attainment_finding(frame: pd.DataFrame, expected: Expected, look: Look) -> str:
    """Say who is clearly ahead of or behind the pace to expect; nobody, where the intervals do not say so."""
    known = frame[frame["value"].notna()]
    if known.empty:
        return "Nobody carries a quota in this period."
    judged = {row["rep"]: judged_against(row, expected.share) for row in known.to_dict("records")}
    names = known.set_index("rep")["rep_name"].fillna(known.set_index("rep").index.to_series())
    behind = [names[rep] for rep, verdict in judged.items() if verdict == "behind"]
    ahead = [names[rep] for rep, verdict in judged.items() if verdict == "ahead"]
    level = look.value(expected.share, "share")
    parts = []
    if behind:
        who = plural(len(behind), "person is", "people are")
        parts.append(f"{who} clearly behind the {level} to expect: {join_names(behind, limit=4)}")
    if ahead:
        who = plural(len(ahead), "person is", "people are")
        parts.append(
            f"{who} clearly ahead{'' if behind else f' of the {level} to expect'}: {join_names(ahead, limit=4)}"
        )
    if not parts:
        parts.append(
            f"nobody of {plural(len(known), 'person', 'people')} with a quota is clearly ahead of or behind the {level} "
            "to expect: single deals decide"
        )
    return sentence(parts)


def change_finding(kpis: pd.DataFrame, labels: Mapping[str, str], before: str, look: Look) -> str:
    """Say which key figures differ from the period before beyond chance, false discoveries kept to 5 %."""
    if "significant" not in kpis.columns:
        raise ValueError("the rows have not been through keep_discoveries")
    compared = kpis[kpis["difference"].notna() & kpis["metric"].isin(list(labels))]
    if compared.empty:
        return f"There is no earlier period in the data to compare with {before}."
    moved = compared[compared["significant"].astype(bool)].to_dict("records")
    if not moved:
        count = plural(len(compared), "key figure")
        return f"None of {count} differs from {before} by more than chance explains."
    said = [
        f"{labels[r['metric']]} is {describe_change(r['difference'], r['unit'], before, look=look)}"
        for r in moved
    ]
    rest = len(compared) - len(moved)
    if rest:
        said.append(
            f"the other {rest} vary as they always do"
            if rest > 1
            else "the other one varies as it always does"
        )
    return sentence(said)


def trend_finding(frame: pd.DataFrame, labels: Mapping[str, str], look: Look) -> str:
    """Say which months are signal, and that the others are noise."""
    signals = frame[frame["signal"].fillna(False).astype(bool)]
    judged = int((frame["lower"].notna() & frame["complete"].astype(bool) & frame["value"].notna()).sum())
    if not judged:
        return "There are too few complete months to tell signal from noise."
    if signals.empty:
        return f"No month stands out: all {judged} monthly figures lie within normal variation."
    said = []
    for metric, rows in signals.groupby("metric", sort=False):
        outside = rows[rows["rule"].str.startswith("outside")]
        months = [
            f"{r['period']} ({look.value(r['value'], str(r['unit']))})" for r in outside.to_dict("records")
        ]
        if months:
            lie = "lies" if len(months) == 1 else "lie"
            said.append(f"{labels[str(metric)]}: {join_names(months, limit=3)} {lie} outside the limits")
        if len(rows) > len(outside):
            said.append(f"{labels[str(metric)]} has kept to one side of its middle for eight months or more")
    return sentence(said)


def movement_finding(frame: pd.DataFrame, look: Look) -> str:
    """Say how the open pipeline of the period changed, and what moved it most."""
    rows = {r["part"]: r for r in frame.to_dict("records") if not is_null(r["part"])}
    if "start" not in rows or is_unknown(rows["start"]["value"]):
        notes = [n for n in frame["note"] if not is_null(n)]
        return clean(notes[0], 400) if notes else "What moved the pipeline is not known."
    first, last = float(rows["start"]["value"]), float(rows["end"]["value"])
    steps = [r for p, r in rows.items() if p not in ("start", "end") and float(r["value"])]
    verb = "grew" if last > first else "shrank" if last < first else "stayed"
    said = f"the pipeline of this period {verb} from {look.value(first, 'currency')} to {look.value(last, 'currency')}"
    if not steps:
        return sentence([said, "nothing moved"])
    top = sorted(steps, key=lambda r: -float(r["value"]))[:2]
    moved = join_names([f"{look.value(r['value'], 'currency')} {_MOVED[r['part']]}" for r in top])
    return sentence([said, f"most was moved by {moved}"])


_MOVED = {
    "new": "of new deals",
    "transferred_in": "transferred in",
    "reopened": "reopened",
    "pulled_in": "pulled in from other periods",
    "increased": "of larger amounts",
    "decreased": "of smaller amounts",
    "pushed_out": "pushed out of the period",
    "transferred_out": "transferred out",
    "won": "won",
    "lost": "lost",
    "removed": "of deals removed or merged",
}


def funnel_finding(frame: pd.DataFrame, look: Look) -> str:
    """Say where most deals stop."""
    known = frame[frame["value"].notna() & (frame["n"] > 0)]
    if known.empty:
        notes = [n for n in frame["note"] if not is_null(n)]
        return sentence(
            [f"how deals go through the stages is not known: {clean(notes[0], 300) if notes else 'no data'}"]
        )
    worst = min(known.to_dict("records"), key=lambda r: float(r["value"]))
    sure = look.interval(worst["low"], worst["high"], "share")
    return sentence(
        [
            f"of {plural(worst['n'], 'decided deal', look=look)} that reached {clean(worst['part'])}, "
            f"{look.value(worst['value'], 'share')} went on ({sure}), the lowest share of all stages"
        ]
    )


def coverage_finding(frame: pd.DataFrame, names: Iterable[str], look: Look) -> str:
    """Say how often the open pipeline covers the quota that remains, for each period."""
    said = []
    for name, row in zip(names, frame.to_dict("records"), strict=True):
        if not is_null(row["note"]) and row["note"] == "met":
            said.append(f"the quota of {name} is met")
        elif is_unknown(row["value"]):
            said.append(f"coverage of {name} is not known ({row['note'] or 'no data'})")
        else:
            deals = plural(row["n"], "open deal", look=look)
            said.append(f"{deals} cover what remains of {name}'s quota {look.value(row['value'], 'ratio')}")
    return sentence(said)


def mix_finding(frame: pd.DataFrame, dimension: str, before: str, look: Look) -> str:
    """Say what brings in most, and what changed beyond chance."""
    column = f"{dimension}_name" if f"{dimension}_name" in frame.columns else dimension
    known = frame[frame["value"].notna() & (frame["value"] > 0)].sort_values("value", ascending=False)
    if known.empty:
        return "No revenue is known by this split."
    if known[column].isna().all():
        return f"The deals carry no {dimension}."
    top = known.iloc[0]
    share = float(top["value"]) / float(known["value"].sum())
    name = clean("not given" if is_null(top[column]) else top[column])
    said = [
        f"{name} brings in most: {look.value(top['value'], 'currency')}, {look.value(share, 'share')} of revenue"
    ]
    if "significant" in frame.columns:
        moved = [
            f"{clean('not given' if is_null(r[column]) else r[column])} is "
            f"{describe_change(r['difference'], 'currency', before, look=look)}"
            for r in frame[frame["significant"].fillna(False).astype(bool)].to_dict("records")
        ]
        said.append(join_names(moved, limit=3) if moved else f"no difference to {before} is beyond chance")
    return sentence(said)
