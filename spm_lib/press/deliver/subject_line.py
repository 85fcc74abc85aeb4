"""The subject of a report's mail: the spec's template, filled with what the report published and nothing else."""

from __future__ import annotations

import re

from spm_lib.errors import did_you_mean, one_line
from spm_lib.press.records import RunRecord
from spm_lib.press.render.eml import SUBJECT_LIMIT
from spm_lib.spec_file import mistake

#: What a template may name; `KPI` is followed by the name of a published metric.
FIELDS = ("team.name", "rep.name", "period.label", "period.title", "as_of", "headline")
KPI = "kpi."

CORRECTED = " (corrected)"

_FIELD = re.compile(r"\{([^{}]*)\}")
_METRIC = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_subject(template: str) -> str:
    """Give a template of a subject back where it can be filled.

    Parameters
    ----------
    template
        Text with fields like ``{team.name}`` or ``{kpi.win_rate}``; there is no other syntax in it.

    Raises
    ------
    PydanticCustomError
        For a model's validator: where a field is unknown, or a brace belongs to none.
    """
    if not one_line(template):
        raise mistake("the subject is empty", "Leave it out: the report's headline stands there then")
    for name in _FIELD.findall(template):
        metric = name.removeprefix(KPI)
        if name in FIELDS or (name.startswith(KPI) and _METRIC.fullmatch(metric)):
            continue
        shown = one_line(name, 60)
        if name.startswith(KPI):
            raise mistake(
                f"'{shown}' names no metric", "Write it like {kpi.win_rate}, and nothing after the name"
            )
        raise mistake(
            f"there is no field '{shown}' for a subject", did_you_mean(name, (*FIELDS, "kpi.METRIC"))
        )
    if re.search("[{}]", _FIELD.sub("", template)):
        raise mistake("a brace in the subject belongs to no field", "Write fields like {team.name}")
    return template


def subject_of(template: str | None, record: RunRecord, *, revision: int = 1) -> str:
    """Write the subject of a report's mail.

    Parameters
    ----------
    template
        See `check_subject`; None for the report's headline.
    record
        The run. Where it does not know what a field stands for, the headline takes the whole template's place.
    revision
        Which sending of this report it is, from 1; from the second on the subject says so.

    Returns
    -------
    str
        One line of at most 200 characters, without any that control or turn the reading direction.
    """
    ending = CORRECTED if revision > 1 else ""
    said = _filled(template, record) if template else None
    return one_line(said or _by_itself(record), SUBJECT_LIMIT - len(ending)) + ending


def _filled(template: str, record: RunRecord) -> str | None:
    values = _values(record)
    names = _FIELD.findall(template)
    if any(not one_line(values.get(name) or "") for name in names):
        return None
    # In one pass: what a team is called is never taken for a field.
    return one_line(_FIELD.sub(lambda field: values[field[1]], template)) or None


def _values(record: RunRecord) -> dict[str, str]:
    """Give the text of every field that the run knows."""
    values = {
        "team.name": record.team_name,
        "rep.name": record.rep_name or "",
        "period.label": record.period,
        "period.title": record.period_title,
        "as_of": record.as_of.isoformat(),
        "headline": _headline(record),
    }
    if record.published is not None:
        known = (kpi for kpi in record.published.kpis if kpi.value is not None)
        values |= {f"{KPI}{kpi.metric}": kpi.text for kpi in known}
    return values


def _headline(record: RunRecord) -> str:
    return one_line(record.published.headline) if record.published is not None else ""


def _by_itself(record: RunRecord) -> str:
    """Give the headline with whom it is about, or, where nothing was published, whom and when."""
    headline, name = _headline(record), one_line(record.name)
    if not headline:
        return f"{name}, {one_line(record.period_title)}"
    told = record.kind == "company" or name.casefold() in headline.casefold()
    return headline if told else f"{name}: {headline}"
