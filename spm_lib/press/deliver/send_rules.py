"""Whether a report is sent: the report itself, a notice, nothing for now, or word to its owner."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spm_lib.errors import did_you_mean, one_line
from spm_lib.press.deliver.deliver_spec import Empty, Threshold, When
from spm_lib.press.records import Kpi, Published, RunRecord

#: More changed figures than these make a reason that nobody reads.
_CHANGES = 6

Word = Literal["send", "notice", "withhold", "hold"]


@dataclass(frozen=True)
class Decision:
    """What becomes of one report.

    Parameters
    ----------
    word
        ``send``: its readers get it. ``notice``: they are told that there is nothing to report. ``withhold``: they get
        nothing, as the spec asks. ``hold``: they get nothing until its owner, who is told, has looked.
    reason
        Why, in one line without a full stop.
    """

    word: Word
    reason: str


def decide(
    record: RunRecord, when: When, empty: Empty, *, last_sent: str | None, gates: Sequence[str] = ()
) -> Decision:
    """Decide what becomes of a report.

    Parameters
    ----------
    record
        The run. A failed or held one, one of data that were too old, and one behind a shut gate is held whatever the spec
        says.
    when
        The spec's send rule.
    empty
        What becomes of a report that shows no figure: it is settled by this alone, but that ``changed`` says nothing twice.
    last_sent
        `figures_of` what this report's readers were sent last; None where they were sent nothing yet.
    gates
        Why gates are shut, a sentence each.

    Returns
    -------
    Decision
    """
    trouble = _trouble(record, gates)
    if trouble:
        return Decision("hold", one_line(trouble))
    word, reason = _ruled(record.published, when, empty, last_sent)
    return Decision(word, one_line(reason))


def is_empty(published: Published | None) -> bool:
    """Tell whether a report shows nothing: it published nothing, no figure that is known, or a bare headline."""
    if published is None:
        return True
    if not published.kpis:
        return not (published.actions or published.people or published.deals)
    return all(kpi.value is None for kpi in published.kpis)


def figures_of(published: Published | None) -> str:
    """Give what a reader of a published report is told, in one text that is the same where that is the same.

    Returns
    -------
    str
        JSON of the headline and, by metric, of every figure as it is written. When it was made, and of which data, does
        not stand in it, nor do digits that no reader sees.
    """
    told = {kpi.metric: kpi.text for kpi in published.kpis} if published is not None else {}
    headline = published.headline if published is not None else ""
    return json.dumps({"headline": headline, "figures": told}, sort_keys=True)


def changes(before: str, published: Published) -> tuple[str, ...]:
    """Say what readers are told now and were not told before, a phrase for each figure: ``Revenue 10.50, was 9.00``.

    Parameters
    ----------
    before
        A result of `figures_of`.
    published
        What the report shows now.
    """
    was = json.loads(before)
    old: dict[str, str] = was["figures"]
    now = {kpi.metric: kpi for kpi in published.kpis}
    found = [
        f"{kpi.label} {kpi.text}, was {old.get(metric, 'not told')}"
        for metric, kpi in now.items()
        if kpi.text != old.get(metric)
    ]
    found += [f"{metric.replace('_', ' ')} is told no more" for metric in old if metric not in now]
    if not found and was["headline"] != published.headline:
        found.append("the headline has other words")
    return tuple(one_line(phrase, 120) for phrase in found)


def _trouble(record: RunRecord, gates: Sequence[str]) -> str:
    """Say why a report may not reach its readers whatever it shows; empty where nothing speaks against it."""
    if record.status != "done":
        why = f": {record.failure}" if record.failure is not None else ""
        return f"the report {'failed' if record.status == 'failed' else 'is held'}{why}"
    return "; ".join(dict.fromkeys([*gates, *record.notices]))


def _ruled(published: Published | None, when: When, empty: Empty, last_sent: str | None) -> tuple[Word, str]:
    if published is None or is_empty(published):
        nothing = (
            "the report published nothing"
            if published is None
            else "the report shows no figure that is known"
        )
        if empty == "hold":
            return "hold", nothing
        if when == "changed" and figures_of(published) == last_sent:
            return "withhold", f"{nothing}, and its readers were told so last time"
        return empty, nothing
    if isinstance(when, Threshold):
        return _crossed(published, when)
    if when == "changed":
        return _changed(published, last_sent)
    return "send", "it is always sent"


def _changed(published: Published, last_sent: str | None) -> tuple[Word, str]:
    if last_sent is None:
        return "send", "its readers were sent nothing before"
    if figures_of(published) == last_sent:
        return "withhold", "its figures are those that were sent last"
    told = changes(last_sent, published)
    rest = [f"{len(told) - _CHANGES} more"] if len(told) > _CHANGES else []
    return "send", "; ".join([*told[:_CHANGES], *rest])


def _crossed(published: Published, when: Threshold) -> tuple[Word, str]:
    kpi = next((each for each in published.kpis if each.metric == when.metric), None)
    if kpi is None:
        near = did_you_mean(when.metric, (each.metric for each in published.kpis))
        return (
            "hold",
            f"the report publishes no '{one_line(when.metric, 60)}', which the spec waits for. {near}",
        )
    label = _spoken(kpi)
    if kpi.value is None:
        return "withhold", f"{label} is not known"
    if isinstance(kpi.value, str):
        return "withhold", f"{label} is {kpi.text}, no number"
    if when.below is not None:
        crossed, limit = kpi.value < when.below, f"below {when.below:g}"
    else:
        assert when.above is not None
        crossed, limit = kpi.value > when.above, f"above {when.above:g}"
    if crossed:
        return "send", f"{label} is {kpi.text}, {limit}"
    return "withhold", f"{label} is {kpi.text}, not {limit}"


def _spoken(kpi: Kpi) -> str:
    """Give a figure's label as it stands within a sentence: CRM stays, Quota becomes quota."""
    first, second = kpi.label[:1], kpi.label[1:2]
    return kpi.label if second.isupper() else first.lower() + kpi.label[1:]
