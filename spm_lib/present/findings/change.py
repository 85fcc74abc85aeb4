"""What changed on the period before, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spm_lib.present.display import holds, is_null
from spm_lib.present.findings.rows import lower, row_of, team_of
from spm_lib.present.prose import describe_change, join_names, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

#: What moved, in words: where a factor took from revenue, and where it added to it.
_CAUSES = {
    "decided_deals": ("fewer decided deals", "more decided deals"),
    "team_mix": ("a mix of teams that sells less per deal", "a mix of teams that sells more per deal"),
    "win_rate": ("a lower win rate", "a higher win rate"),
    "deal_size": ("smaller deals", "larger deals"),
}


#: More than this share of a change is most of it.
_MOST = 0.5


def summary(
    kpis: pd.DataFrame, plan: pd.DataFrame, labels: Mapping[str, str], before: str, look: Look
) -> str:
    """Say in two or three sentences what was won, on what it is up or down, and what else moved.

    Parameters
    ----------
    kpis
        Rows of `compare` for the whole scope, through `keep_discoveries`.
    plan
        Rows of `against_plan` for it: without a plan, the headline has said what was won.
    labels, before, look
        As in `change_finding`.
    """
    revenue = row_of(kpis, "revenue")
    headed = is_unknown(row_of(plan, "quota_attainment")["value"])
    said = []
    if not headed and not is_unknown(revenue["value"]) and revenue["n"]:
        money, deals = look.value(revenue["value"], "currency"), plural(revenue["n"], "deal", look=look)
        change = ""
        if not is_unknown(revenue.get("difference")):
            sure = holds(revenue)
            change = ", " + describe_change(
                revenue["difference"], "currency", before, significant=sure, look=look
            )
        said.append(f"Revenue is {money} from {deals}{change}")
    told = bool(said) or headed
    compared = not is_unknown(revenue.get("difference"))
    others = kpis[kpis["metric"] != "revenue"] if told else kpis
    said.append(change_finding(others, labels, before, look, others=told and compared))
    return sentences(said)


def change_finding(
    kpis: pd.DataFrame, labels: Mapping[str, str], before: str, look: Look, *, others: bool = False
) -> str:
    """Say which key figures differ from the period before beyond chance, false discoveries kept to 5 %.

    Parameters
    ----------
    kpis
        Rows of `compare`, through `keep_discoveries`.
    labels
        What the figures are called; others are passed over.
    before
        What they are compared with.
    look
        How numbers are written.
    others
        Whether revenue was told before these, and on what it is up or down.
    """
    if "significant" not in kpis.columns:
        raise ValueError("the rows have not been through keep_discoveries")
    compared = kpis[kpis["difference"].notna() & kpis["metric"].isin(list(labels))]
    if compared.empty:
        return "" if others else f"The data hold nothing to compare with {before}."
    moved = compared[compared["significant"].astype(bool)].to_dict("records")
    rest = len(compared) - len(moved)
    if not moved:
        if others:
            return sentence(
                f"the other {plural(rest, 'key figure')} {'is' if rest == 1 else 'are'} within normal variation"
            )
        if rest == 1:
            label = lower(labels[str(compared["metric"].iloc[0])])
            return sentence(f"the {label} is within normal variation of {before}")
        return sentence(f"all {rest} key figures are within normal variation of {before}")
    told = [_moved(row, labels, look) for row in moved]
    said = [f"compared with {before}, {join_names(told, limit=len(told))}"]
    if rest:
        said.append(
            f"the other {rest} are within normal variation"
            if rest > 1
            else "the other one is within normal variation"
        )
    return sentences(said)


def _moved(row: Mapping[Any, Any], labels: Mapping[str, str], look: Look) -> str:
    change = describe_change(row["difference"], str(row["unit"]), "", look=look)
    return f"{lower(labels[str(row['metric'])])} is {change}"


def revenue_finding(change: pd.DataFrame, before: str, look: Look) -> str:
    """Say what moved revenue, as far as chance does not explain it; nothing, where nothing is known.

    Parameters
    ----------
    change
        Rows of a revenue change for the whole scope, through `keep_discoveries`.
    before
        What it is compared with.
    """
    rows = {str(row["part"]): row for row in change.to_dict("records")}
    total = rows.get("change", {"value": None})
    if is_unknown(total["value"]):
        return ""
    value = float(total["value"])
    written = describe_change(value, "currency", before, look=look)
    parts = [part for part in _CAUSES if part in rows]
    causes = [part for part in parts if holds(rows[part])]
    with_it = [part for part in causes if (float(rows[part]["value"]) > 0) == (value > 0)]
    if with_it:
        size = look.value(abs(sum(float(rows[part]["value"]) for part in with_it)), "currency")
        verb = f"added {size} to" if value > 0 else f"took {size} off"
        return sentence(f"{_causes(with_it, rows)} {verb} revenue")
    if holds(total):
        most = _most(rows)
        return sentence(f"revenue is {written}" + (f", most of it by {_cause(most, rows)}" if most else ""))
    if not float(rows["before"]["value"]) and not float(rows["now"]["value"]):
        return sentence("there was no revenue to move")
    if causes:
        return sentence(f"{_causes(causes, rows)} moved revenue, and the rest made up for it")
    return sentence(f"revenue is within normal variation of {before}")


def moved_reading(change: pd.DataFrame, look: Look) -> str:
    """Say how the steps come about, and from how many deals."""
    rows = {str(row["part"]): row for row in change.to_dict("records")}
    if is_unknown(rows.get("change", {"value": None})["value"]):
        return ""
    before, now = (plural(rows[part]["n"], "decided deal", look=look) for part in ("before", "now"))
    said = [f"this compares {now} with {before}"]
    if "team_mix" in rows and rows["team_mix"]["value"]:
        said = [
            f"{said[0]}, each team by its own win rate and deal size. The mix of teams is the effect of other teams "
            "deciding them than before"
        ]
    if all(is_unknown(rows[part].get("low")) for part in _CAUSES if part in rows):
        said.append(
            "fewer than ten deals were won in one of the two periods, too few to tell a cause from chance"
        )
    return sentences(said)


def teams_moved(groups: pd.DataFrame, look: Look) -> str:
    """Say in which team revenue moved most, and by which factor where one is most of it; nothing, where there is but one.

    Parameters
    ----------
    groups
        Rows of a revenue change by team, through `keep_discoveries`.
    """
    totals = groups[(groups["part"] == "change") & groups["value"].notna()]
    moved = totals[totals["value"] != 0]
    if len(totals) < 2 or moved.empty:
        return ""
    said = []
    for sign, word in ((-1, "fell"), (1, "grew")):
        side = moved[moved["value"] * sign > 0]
        if side.empty:
            continue
        row = max(side.to_dict("records"), key=lambda r: abs(float(r["value"])))
        own = groups[groups["team"].isna() if is_null(row["team"]) else groups["team"] == row["team"]]
        rows = {str(r["part"]): r for r in own.to_dict("records")}
        most = _most(rows)
        cause = f", mainly by {_cause(most, rows)}" if most else ""
        chance = "" if holds(row) else ", within normal variation"
        amount = look.value(abs(float(row["value"])), "currency")
        said.append(f"{team_of(row)} {word} most, by {amount}{cause}{chance}")
    return sentences(said)


def _most(rows: Mapping[str, Mapping[Any, Any]]) -> str | None:
    """Give the factor that is more than half of the change, if one is: several that pull the same way are none."""
    total = float(rows["change"]["value"])
    shares = {part: float(rows[part]["value"]) / total for part in _CAUSES if total and part in rows}
    most = max(shares, key=lambda part: shares[part], default=None)
    return most if most is not None and shares[most] > _MOST else None


def _causes(parts: list[str], rows: Mapping[str, Mapping[Any, Any]]) -> str:
    return join_names([_cause(part, rows) for part in parts])


def _cause(part: str, rows: Mapping[str, Mapping[Any, Any]]) -> str:
    return _CAUSES[part][float(rows[part]["value"]) > 0]
