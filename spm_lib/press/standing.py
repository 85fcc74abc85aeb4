"""Where teams stand against quota: read off what their reports published, never computed anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spm_lib.press.records import RunRecord


@dataclass(frozen=True)
class Verdict:
    """How a team stands.

    Parameters
    ----------
    key
        Short name, also of its style.
    mark, words
        What is shown: an arrow and words, so that colour is never alone.
    one, many
        The verb's phrase of a sentence, like ``is behind pace`` and ``are behind pace``.
    rest
        What is left of it where the sentence has said what it is about.
    """

    key: str
    mark: str
    words: str
    one: str
    many: str
    rest: str


MISSED = Verdict("missed", "▼", "Missed quota", "missed its quota", "missed their quota", "missed it")
BEHIND = Verdict("behind", "▼", "Behind pace", "is behind pace", "are behind pace", "behind")
NOTHING = Verdict(
    "nothing",
    "▼",
    "Nothing won yet",
    "has won nothing yet of its quota",
    "have won nothing yet of their quota",
    "without a win yet",
)
AHEAD = Verdict("ahead", "▲", "Ahead of pace", "is ahead of pace", "are ahead of pace", "ahead")
MADE = Verdict("made", "▲", "Made quota", "made its quota", "made their quota", "made it")
LEVEL = Verdict("level", "►", "On pace", "is on pace", "are on pace", "on pace")
UNSURE = Verdict(
    "unsure",
    "►",
    "Normal variation",
    "is within normal variation of its pace",
    "are within normal variation of their pace",
    "within normal variation",
)

#: What a reader must know first stands first.
_ORDER = (MISSED, BEHIND, NOTHING, AHEAD, MADE, LEVEL, UNSURE)
#: Who is named under the message.
_LATE = (MISSED, BEHIND, NOTHING)
#: By their short names.
VERDICTS = {verdict.key: verdict for verdict in _ORDER}


def verdict_of(record: RunRecord) -> Verdict | None:
    """Tell how a report's subject stands; None where what it published does not say so.

    While the period runs, the report's own word decides, as a gap may be chance and only the report can tell;
    once it is over, the published attainment does.
    """
    published = record.published
    if published is None:
        return None
    if record.as_of < record.period_end:
        said = getattr(published, "standing", None)
        return VERDICTS.get(said) if isinstance(said, str) else None
    attained = next((kpi.value for kpi in published.kpis if kpi.metric == "quota_attainment"), None)
    if attained is None or isinstance(attained, str):
        return None
    return MADE if attained >= 1 else MISSED


def headline(
    records: Iterable[RunRecord], absent: Iterable[RunRecord] = ()
) -> tuple[str, tuple[RunRecord, ...]]:
    """Say how the teams stand in the latest period that any of their reports is about.

    Parameters
    ----------
    records
        The newest record of each spec and team.
    absent
        Those without a page, failed, held or taken away: nobody can read how their teams stand, and they count as not
        known.

    Returns
    -------
    tuple
        A sentence without a full stop, empty where no report says how its team stands; and the records of the
        teams that missed their quota, are behind or have won nothing, by name.
    """
    known = [record for record in records if record.team and record.published]
    judged = [(record, verdict) for record in known if (verdict := verdict_of(record))]
    known += [record for record in absent if record.team]
    if not judged:
        return "", ()
    latest = max(judged, key=lambda pair: (pair[0].period_end, pair[0].as_of))[0]
    # A team may have reports of several kinds: the newest that says how it stands speaks for it.
    of_latest = sorted(
        (pair for pair in judged if pair[0].period == latest.period),
        key=lambda pair: (pair[0].as_of, pair[0].finished),
    )
    teams = {record.team: (record, verdict) for record, verdict in of_latest}
    unknown = {record.team for record in known if record.period == latest.period} - set(teams)
    counts = Counter(verdict for _, verdict in teams.values())
    said = _sentence(
        [(verdict, counts[verdict]) for verdict in _ORDER if counts[verdict]],
        len(unknown),
        latest.period_title,
        latest.team_name,
    )
    behind = [record for record, verdict in teams.values() if verdict in _LATE]
    return said, tuple(sorted(behind, key=lambda record: (record.team_name.casefold(), record.team or "")))


def _sentence(counted: Sequence[tuple[Verdict, int]], unknown: int, period: str, name: str) -> str:
    first, count = counted[0]
    total = sum(n for _, n in counted) + unknown
    if count == total:
        who = name if total == 1 else "Both teams" if total == 2 else f"All {total} teams"
        return f"{who} {first.one if total == 1 else first.many} for {period}"
    rest = [f"{n} {verdict.rest}" for verdict, n in counted[1:]]
    rest += [f"{unknown} not known"] if unknown else []
    listed = f"{', '.join(rest[:-1])} and {rest[-1]}" if len(rest) > 1 else rest[0]
    return f"{count} of {total} teams {first.one if count == 1 else first.many} for {period}, {listed}"
