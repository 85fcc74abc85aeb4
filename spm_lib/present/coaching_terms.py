"""What everybody may read of coaching: on which levers the company's people differ at all, and what the words mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spm_lib.models.coaching.levers import LEVERS, Lever
from spm_lib.models.scorecard_figures import LEAST_PEOPLE
from spm_lib.present.about import definitions
from spm_lib.present.display import Block, nothing
from spm_lib.present.findings.coaching_words import Facts, lever_label, lever_number, odds
from spm_lib.present.prose import sentence
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching


def lever_tests_table(coaching: Coaching, *, look: Look | None = None) -> Block:
    """Show on which levers the company's people differ beyond chance; it names nobody, and is for everybody."""
    look = look or Look()
    tests = coaching.tests
    if tests.empty:
        return nothing("there is too little evidence to compare people")
    rows = tests.to_dict("records")
    shown = tests.assign(
        _label=[sentence(lever_label(row)).rstrip(".") for row in rows],
        _differ=["yes" if row["differ"] else "not beyond chance" for row in rows],
        _odds=[odds(row["p_value"], look) for row in rows],
        _usual=[_usual(row, look) for row in rows],
    )
    return table(
        shown,
        {
            "_label": "Lever",
            "_differ": "Do people differ?",
            "_odds": Column("If all were alike", "written"),
            "reps": Column("People", "count"),
            "_usual": Column("Usual", "written"),
        },
        caption="On what the company's people differ at all",
        look=look,
        notes=[
            "If all were alike: how often luck alone would set people as far apart as they are. Usual: over all people of "
            f"the company; told where at least {LEAST_PEOPLE} make it up."
        ],
    )


def _usual(row: Facts, look: Look) -> str:
    # A figure of fewer people would tell of each of them.
    if row["reps"] < LEAST_PEOPLE:
        return "too few people"
    return lever_number({**row, "unit": LEVERS[row["lever"]].unit}, row["usual"], look)


def coaching_terms(coaching: Coaching, *, look: Look | None = None) -> Block:
    """Say what the words of coaching mean, and each lever that was measured; it names nobody, and is for everybody."""
    measured = set(coaching.tests["lever"]) if len(coaching.tests) else set()
    levers = (_term(lever) for name, lever in LEVERS.items() if name in measured)
    return definitions([*_TERMS, *levers], look=look)


@dataclass(frozen=True)
class _Term:
    """A word and what it means, as definitions show it."""

    label: str
    definition: str
    unit: str = "count"
    better: str | None = None


def _term(lever: Lever) -> _Term:
    better = "higher" if lever.better == "up" else "lower"
    return _Term(sentence(lever.label).rstrip("."), lever.definition, _UNITS.get(lever.unit, "count"), better)


#: What levers are told in, as units of the theme; what is counted needs no unit.
_UNITS = {"share": "share", "money": "currency", "days": "days"}
_TERMS = (
    _Term(
        "On the same work",
        "What peers of the whole company would have reached on this person's own mix of deals: of the same kind, size, "
        "source and customers, as far as the data tell.",
    ),
    _Term(
        "Beyond chance",
        "Named is only who is behind more clearly than luck explains, on a lever on which people differ at all. Of all who "
        "are named in the company, at most one in twenty is expected to be named wrongly.",
    ),
    _Term(
        "Behind by",
        "Where the true distance lies with a probability of 90 %, if there is one. It is closer to the others than the bare "
        "figures are, the more so the fewer there are: part of what stands out is luck.",
    ),
    _Term(
        "Worth",
        "What the revenue of a usual quarter would gain with the lever at the middle of the team, or of the company where "
        f"fewer than {LEAST_PEOPLE} of the team were measured, all else as it is. The range holds it with a probability of "
        "90 %. A shorter time in stages brings the same revenue earlier, once. Where no data of one company "
        "can tell what a lever brings, it is not told in money.",
    ),
    _Term(
        "To miss the quota",
        "The chance that the quarter ends under the quota, by simulation over the open deals and those still to come. "
        "Beside it, in brackets, the range that holds the end in 8 of 10 cases.",
    ),
)
