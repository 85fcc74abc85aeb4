"""The pipeline and what comes of it: coverage, movement, stages, where revenue comes from, the largest deals."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from spm_lib.present.chart import dimension_of
from spm_lib.present.display import clean, holds, is_null
from spm_lib.present.findings.rows import known_of
from spm_lib.present.prose import describe_change, join_names, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

_MOVED = {
    "new": ("was new", "were new"),
    "transferred_in": ("was transferred in", "were transferred in"),
    "reopened": ("was reopened", "were reopened"),
    "pulled_in": ("was pulled in", "were pulled in"),
    "increased": ("grew", "grew"),
    "decreased": ("shrank", "shrank"),
    "pushed_out": ("was pushed out", "were pushed out"),
    "transferred_out": ("was transferred out", "were transferred out"),
    "won": ("was won", "were won"),
    "lost": ("was lost", "were lost"),
    "removed": ("was removed", "were removed"),
}


def coverage_finding(frame: pd.DataFrame, names: Iterable[str], look: Look) -> str:
    """Say how often the open pipeline covers the quota that remains, for each period; nothing, where none is known."""
    met, worth = [], []
    for name, row in zip(names, frame.to_dict("records"), strict=True):
        if not is_null(row["note"]) and row["note"] == "met":
            met.append(f"the quota for {clean(name)} is met")
        elif not is_unknown(row["value"]):
            n = look.value(row["n"], "count", compact=False)
            worth.append(f"{look.value(row['value'], 'ratio')} in {clean(name)} (n {n})")
    if worth:
        first, *more = worth
        times, _, rest = first.partition(" ")
        met.append(f"open deals are worth {' and '.join([f'{times} the quota that is left {rest}', *more])}")
    return sentence(", and ".join(met))


def movement_finding(frame: pd.DataFrame, look: Look) -> str:
    """Say how the open pipeline of the period changed, and what moved it most; nothing, where it is not known."""
    rows = {r["part"]: r for r in frame.to_dict("records") if not is_null(r["part"])}
    if "start" not in rows or is_unknown(rows["start"]["value"]):
        return ""
    first, last = float(rows["start"]["value"]), float(rows["end"]["value"])
    steps = [r for p, r in rows.items() if p not in ("start", "end") and float(r["value"])]
    before, after = look.value(first, "currency"), look.value(last, "currency")
    if not steps:
        return sentence(f"the open pipeline of this period stayed at {after}, and nothing moved")
    top = sorted(steps, key=lambda r: -float(r["value"]))[:2]
    moved = [
        f"{plural(r['n'], 'deal', look=look)} worth {look.value(r['value'], 'currency')} "
        f"{_MOVED[r['part']][r['n'] != 1]}"
        for r in top
    ]
    grew = "stayed at" if before == after else "grew" if last > first else "shrank"
    way = f"stayed at {after}" if before == after else f"{grew} from {before} to {after}"
    return sentence(f"the open pipeline of this period {way}: {join_names(moved, limit=2)}")


def funnel_finding(frame: pd.DataFrame, look: Look) -> str:
    """Say at which stage clearly fewer deals go on than at the others, and from how many; nothing, where none is known.

    A stage is named where its interval ends below those of all other stages of its pipeline.
    """
    known = [row for row in known_of(frame) if row["n"]]
    if not known:
        return ""
    clear = []
    for row in known:
        others = [r for r in known if r is not row and r.get("pipeline") == row.get("pipeline")]
        if others and all(float(row["high"]) < float(r["low"]) for r in others):
            clear.append(row)
    if clear:
        said = [
            f"{look.value(row['value'], 'share')} of {plural(row['n'], 'decided deal', look=look)} went on from "
            f"{clean(row['part'])}, clearly fewer than from any other stage"
            for row in clear
        ]
        return sentences(said)
    if len(known) == 1:
        row = known[0]
        return sentence(
            f"{look.value(row['value'], 'share')} of {plural(row['n'], 'decided deal', look=look)} went on from "
            f"{clean(row['part'])}"
        )
    return "No stage loses clearly more deals than all others."


def mix_finding(frame: pd.DataFrame, before: str, look: Look) -> str:
    """Say what brings in most, and what changed beyond chance; nothing, where the split is not known."""
    if frame.empty:
        return ""
    column = dimension_of(frame)
    known = frame[frame["value"].notna() & (frame["value"] > 0)].sort_values("value", ascending=False)
    if known.empty or frame[column].isna().all():
        return ""
    top = known.iloc[0]
    total = float(frame["value"].sum())
    share = f", {look.value(float(top['value']) / total, 'share')} of revenue" if total > 0 else ""
    money, deals = look.value(top["value"], "currency"), plural(top["n"], "deal", look=look)
    said = [f"{_named(top[column])} brings in most, {money} from {deals}{share}"]
    if "significant" in frame.columns and not frame["difference"].isna().all():
        moved = [row for row in frame.to_dict("records") if holds(row)]
        told = [
            f"{_named(row[column])} is {describe_change(row['difference'], 'currency', '', look=look)}"
            for row in moved
        ]
        if told:
            said.append(f"compared with {before}, {join_names(told, limit=3)}")
    return sentences(said)


def deals_finding(won: pd.DataFrame, shown: int, look: Look) -> str:
    """Say how much of the revenue the largest deals are; nothing where none was won, or where refunds blur the shares."""
    amounts = won["amount"].dropna().astype(float).sort_values(ascending=False)
    if amounts.empty or (amounts <= 0).any():
        return ""
    if len(amounts) == 1:
        return "The only deal won is all of the revenue." if len(won) == 1 else ""
    known = " with a known amount" if len(amounts) < len(won) else ""
    deals = f"{plural(len(amounts), 'won deal', look=look)}{known}"
    top = look.value(float(amounts.head(shown).sum() / amounts.sum()), "share")
    if len(amounts) <= shown or shown == 1:
        top = look.value(float(amounts.iloc[0] / amounts.sum()), "share")
        return sentence(f"the largest of {deals} is {top} of revenue")
    return sentence(f"the {shown} largest of {deals} are {top} of revenue")


def _named(value: object) -> str:
    return "what has no name" if is_null(value) else clean(value)
