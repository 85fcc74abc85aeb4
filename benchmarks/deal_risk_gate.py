"""Whether the gate opens where there is something to know, and stays closed where there is nothing."""

from __future__ import annotations

import math
import sys

from deal_risk_company import Asked, Company, company
from timing import Section, at_least

from spm_lib.models.evaluation import evaluate

SEEDS = 20


def gate(asked: Asked) -> Section:
    """Judge the model on demo companies, each as it is and with its outcomes shuffled."""
    section = Section(f"The skill gate, {asked.seeds} demo companies")
    opened = closed = 0
    for seed in range(1, asked.seeds + 1):
        demo = company(asked.folder, seed)
        as_it_is, shuffled = _gates(demo), _gates(demo.shuffled())
        opened += all(as_it_is.values())
        closed += not any(shuffled.values())
        print(f"seed {seed}: open {as_it_is}; shuffled {shuffled}", file=sys.stderr, flush=True)
    needed = math.floor(asked.seeds * 19 / SEEDS)
    full = asked.seeds >= SEEDS
    section.claim(at_least("companies whose gate is open over every horizon", needed, opened), full=full)
    section.claim(
        at_least("shuffled companies whose gate is closed over every horizon", needed, closed), full=full
    )
    return section


def _gates(demo: Company) -> dict[str, bool]:
    judged = evaluate(demo.frame, demo.endings, cut=demo.cut, calendar=demo.calendar)
    return {horizon: each.gate.open for horizon, each in judged.horizons.items()}
