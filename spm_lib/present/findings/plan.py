"""Against plan: whether the whole is on track, who is ahead or behind, which teams fall short most."""

from __future__ import annotations

import pandas as pd

from spm_lib.present.display import clean, holds, is_null
from spm_lib.present.findings.coaching_words import MANAGER
from spm_lib.present.findings.rows import Expected, Row, known_of, note_of, row_of, team_of
from spm_lib.present.prose import describe_change, join_names, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

#: Within this distance of the pace a figure is on it, whatever its interval.
NEUTRAL = 0.02


def standing(
    kpis: pd.DataFrame,
    plan: pd.DataFrame,
    expected: Expected,
    *,
    name: str,
    period: str,
    before: str,
    look: Look,
) -> str:
    """Say in one sentence whether a team, or the company, is on track.

    Parameters
    ----------
    kpis
        Rows of `compare` for the whole scope with revenue.
    plan
        Rows of `against_plan` for the whole scope, through `keep_discoveries`.
    expected
        The share to expect at this point.
    name, period, before
        The team; this period and the one compared with, as people write them.
    """
    revenue, attained = row_of(kpis, "revenue"), row_of(plan, "quota_attainment")
    over = expected.method == "complete"
    if is_unknown(attained["value"]):
        return _without_plan(revenue, name, period, before, over, look)
    reached = _reached(float(attained["value"]), look)
    money = look.value(row_of(plan, "plan_revenue")["value"], "currency")
    won = plural(attained["n"], "won deal", look=look)
    if over:
        verdict = "made its quota" if attained["value"] >= 1 else "missed its quota"
        return sentence(f"{name} {verdict} for {period}: {reached}, {money} from {won}")
    usual = look.value(expected.share, "share")
    if not attained["n"]:
        return sentence(f"{name} has won nothing yet of its {period} quota, where {usual} is usual by now")
    side = "ahead of" if attained["value"] > expected.share else "behind"
    verdict = {
        "level": "is on pace",
        "unsure": f"is {side} its usual pace, but within normal variation",
    }.get(judged(attained, expected.share), f"is {side} pace")
    return sentence(f"{name} {verdict}: {reached} of the {period} quota, where {usual} is usual by now")


def _without_plan(revenue: Row, name: str, period: str, before: str, over: bool, look: Look) -> str:
    if is_unknown(revenue["value"]):
        return sentence(f"{name}: the revenue of {period} is not known, as {note_of(revenue)}")
    change = ""
    if not is_unknown(revenue.get("difference")):
        change = ", " + describe_change(
            revenue["difference"], "currency", before, significant=holds(revenue), look=look
        )
    has = "won" if over else "has won"
    if revenue["n"] == 0:
        return sentence(f"{name} {has} no deals in {period}{change}")
    money, deals = look.value(revenue["value"], "currency"), plural(revenue["n"], "deal", look=look)
    return sentence(f"{name} {has} {money} in {period} from {deals}{change}")


def judged(row: Row, level: float) -> str:
    """Judge attainment: ``ahead``, ``behind``, ``level`` with what is usual, or ``unsure`` where chance explains it."""
    gap = float(row["value"]) - level
    if holds(row) and abs(gap) > NEUTRAL:
        return "ahead" if gap > 0 else "behind"
    return "level" if abs(gap) <= NEUTRAL else "unsure"


def pace_verdict(plan: pd.DataFrame, expected: Expected) -> str | None:
    """Give ``ahead``, ``behind``, ``level`` or ``unsure``, or ``nothing`` where nothing is won yet; None without a quota.

    `standing` says the same in words.
    """
    attained = row_of(plan, "quota_attainment")
    if is_unknown(attained["value"]):
        return None
    return "nothing" if _nothing_yet(attained, expected) else judged(attained, expected.share)


def _nothing_yet(attained: Row, expected: Expected) -> bool:
    """Tell whether nothing is won where something is usual by now: no interval can judge that, and it is no noise."""
    return not attained["n"] and expected.method != "complete" and expected.share > NEUTRAL


def _reached(value: float, look: Look) -> str:
    """Write attainment; what falls short of all of it is not rounded up to all of it."""
    written, whole = look.value(value, "share"), look.value(1.0, "share")
    return f"just under {whole}" if value < 1 and written == whole else written


def pace_basis(expected: Expected, look: Look) -> str:
    """Say where the pace comes from."""
    share = look.value(expected.share, "share")
    if expected.method == "complete":
        return "The period is over, so the whole quota counts."
    if expected.method == "earlier periods":
        return (
            f"By this point the company usually has {share} of a period's revenue, by the median of the last "
            f"{plural(expected.n, 'period')}."
        )
    return (
        f"{share} of the working days are over. Fewer than four earlier periods are known, so a straight line stands in, "
        "though most periods earn late."
    )


def attainment_finding(frame: pd.DataFrame, expected: Expected, *, audience: str = MANAGER) -> str:
    """Say who is clearly ahead of or behind the usual pace or, once the period is over, how many made their quota.

    Readers other than the manager are not told who is behind.

    Parameters
    ----------
    frame
        Rows of ``quota_attainment`` by rep, through `keep_discoveries`.
    expected
        The share to expect at this point.
    audience
        Who reads it: ``manager``, or others.
    """
    known = known_of(frame)
    if not known:
        return ""
    people = plural(len(known), "person", "people")
    if expected.method == "complete":
        made = sum(float(row["value"]) >= 1 for row in known)
        if len(known) == 1:
            told = f"{_who(known[0])} {'made' if made else 'missed'} the quota."
            return told if made or audience == MANAGER else ""
        return sentence(f"{_some(made)} of {people} made their quota")
    if audience != MANAGER:
        return _clearly_ahead(known, expected.share, people)
    return _clearly(known, expected.share, people, "the usual pace")


def _clearly_ahead(rows: list[dict[object, object]], at: float, people: str) -> str:
    """Say who is clearly ahead of the usual pace; nothing where nobody is, as that would be said of each."""
    _, ahead = _sides(rows, at)
    return sentence(f"{_are(ahead, len(rows), people)} clearly ahead of the usual pace") if ahead else ""


def attainment_reading(
    frame: pd.DataFrame, expected: Expected, look: Look, *, audience: str = MANAGER
) -> str:
    """Say where the pace comes from and, to the manager, who has won nothing."""
    known = known_of(frame)
    if not known:
        return ""
    idle = [_who(row) for row in known if not row["n"]] if audience == MANAGER else []
    over = expected.method == "complete"
    if idle:
        verb = "won nothing" if over else f"{'has' if len(idle) == 1 else 'have'} won nothing yet"
        return sentences([pace_basis(expected, look), f"{join_names(idle)} {verb}"])
    return sentences([pace_basis(expected, look)])


def teams_finding(gaps: pd.DataFrame, expected: Expected, before: str, look: Look) -> str:
    """Say which teams are clearly behind or ahead of plan or, where nobody has a plan, of the period before.

    Parameters
    ----------
    gaps
        A row per team of `Report.team_gaps`: team_name, value (the gap), n, against (plan or previous), significant.
    expected, before
        As in `standing`.
    """
    known = known_of(gaps)
    if not known:
        return ""
    teams = plural(len(known), "team")
    behind, ahead = _sides(known, 0.0)
    if any(row["against"] == "plan" for row in known):
        if expected.method == "complete":
            made = sum(float(row["value"]) >= 0 for row in known)
            if len(known) == 1:
                return sentence(f"{_who(known[0])} {'made' if made else 'missed'} its quota")
            least = min(known, key=lambda row: float(row["value"]))
            short = look.value(abs(float(least["value"])), "currency")
            worst = f", and {_who(least)} fell short by most, {short}" if float(least["value"]) < 0 else ""
            return sentence(f"{_some(made)} of {teams} made {'its' if made == 1 else 'their'} quota{worst}")
        return _clearly(known, 0.0, teams, "plan")
    if not behind and not ahead:
        if len(known) == 1:
            return sentence(f"revenue of {_who(known[0])} is within normal variation of {before}")
        return sentence(f"no team's revenue differs from {before} by more than normal variation")
    said = [
        f"{_are(names, len(known), teams)} clearly {word}"
        for names, word in ((behind, "down"), (ahead, "up"))
        if names
    ]
    return sentence(f"{', '.join(said)} on {before}")


def teams_reading(gaps: pd.DataFrame, expected: Expected, look: Look) -> str:
    """Say what the gap is to, and what stands at the ends of the list."""
    known = sorted(known_of(gaps), key=lambda row: float(row["value"]))
    if not known:
        return ""
    if not any(row["against"] == "plan" for row in known):
        return "No team carries a quota, so teams are ranked by how their revenue changed."
    without = [_who(row) for row in gaps.to_dict("records") if row["against"] != "plan"]
    said = [pace_basis(expected, look)]
    if expected.method != "complete":
        said.append("The plan to date is that share of the quota")
    if without:
        said.append(f"{join_names(without)} {'has' if len(without) == 1 else 'have'} no quota")
    return sentences(said)


def _sides(rows: list[dict[object, object]], level: float) -> tuple[list[str], list[str]]:
    """Give the names of those clearly behind and clearly ahead, the furthest first."""
    behind: list[str] = []
    ahead: list[str] = []
    for row in sorted(rows, key=lambda row: float(row["value"])):  # type: ignore[arg-type]
        if holds(row) and float(row["value"]) != level:  # type: ignore[arg-type]
            (behind if float(row["value"]) < level else ahead).append(_who(row))  # type: ignore[arg-type]
    return behind, ahead[::-1]


def _clearly(rows: list[dict[object, object]], at: float, all_of_them: str, level: str) -> str:
    behind, ahead = _sides(rows, at)
    count = len(rows)
    if not behind and not ahead:
        if count == 1:
            return sentence(f"{_who(rows[0])} is neither clearly ahead of {level} nor behind it")
        return sentence(f"none of {all_of_them} is clearly ahead of {level} or behind it")
    said = []
    if behind:
        said.append(f"{_are(behind, count, all_of_them)} clearly behind {level}")
    if ahead and behind:
        said.append(
            f"{f'{len(ahead)} are' if len(ahead) > 2 else _are(ahead, count, all_of_them)} clearly ahead"
        )
    elif ahead:
        said.append(f"{_are(ahead, count, all_of_them)} clearly ahead of {level}")
    return sentence(", ".join(said))


def _are(names: list[str], count: int, all_of_them: str) -> str:
    """Name up to two, count more: ``Ann Lee is``, ``5 of 12 people are``."""
    if len(names) <= 2:
        return f"{join_names(names)} {'is' if len(names) == 1 else 'are'}"
    return f"{len(names)} of {all_of_them} are" if len(names) < count else f"all {all_of_them} are"


def _some(count: int) -> str:
    return "none" if count == 0 else str(count)


def _who(row: Row) -> str:
    for column in ("rep_name", "rep"):
        if not is_null(row.get(column)):
            return clean(row[column])
    return team_of(row)
