"""What is said of outlooks told earlier: no more than so many quotas can show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

from spm_lib.models.quota_correction import Calibration
from spm_lib.models.quota_record import OutlookRecord
from spm_lib.present import findings
from spm_lib.theme import Look

LOOK = Look()


def record(
    n: int, missed: int, chance: float, learned: Calibration | None = None, quarters: int = 4
) -> OutlookRecord:
    """Give outlooks of as many quarters as are asked for, in each of which as large a share was missed."""
    places = np.arange(n)
    rows = pd.DataFrame({"miss": chance, "missed": places < missed, "quarter_to": places % quarters})
    return OutlookRecord(n, missed, n * chance, rows=rows, looked_at_again=learned)


def test_without_a_quarter_that_is_over_nothing_is_claimed() -> None:
    assert findings.outlook_record_finding(OutlookRecord(), LOOK) == (
        "No quarter that outlooks were told on is over yet."
    )
    assert findings.outlook_record_basis(OutlookRecord(), LOOK) == ""


@pytest.mark.parametrize(
    ("missed", "judged"),
    [(8, "so the chances were too high"), (20, "so the chances held"), (33, "so the chances were too low")],
)
def test_chances_are_judged_by_what_chance_allows(missed: int, judged: str) -> None:
    said = findings.outlook_record_finding(record(40, missed, 0.5), LOOK)
    assert (
        said == f"Of 40 quotas that outlooks were told on, {missed} were missed; "
        f"15 to 25 were to be expected by what was told, {judged}."
    )
    assert binom.cdf(25, 40, 0.5) - binom.cdf(14, 40, 0.5) > 0.9


def test_a_few_quotas_neither_prove_nor_contradict() -> None:
    said = findings.outlook_record_finding(record(6, 2, 0.4), LOOK)
    assert said.endswith("so few cannot contradict the chances.")
    assert "1 was missed" in findings.outlook_record_finding(record(6, 1, 0.4), LOOK)


def test_one_quarter_says_little_however_many_people_are_in_it() -> None:
    """All may have missed for one reason: that is no ground to call the chances wrong."""
    said = findings.outlook_record_finding(record(200, 150, 0.4, quarters=1), LOOK)
    assert said == (
        "Of 200 quotas that outlooks were told on, 150 were missed; 80 were to be expected by what was told, and the end of "
        "one quarter is too little to judge that by."
    )
    assert "9 of 10" not in findings.outlook_record_basis(record(200, 150, 0.4, quarters=3), LOOK)
    assert "too low" in findings.outlook_record_finding(record(200, 150, 0.4), LOOK)


@pytest.mark.parametrize(("quarters", "together"), [(4, 0.1), (8, 0.1), (8, 0.0)])
def test_chances_that_hold_are_seldom_called_wrong_though_people_miss_together(
    quarters: int, together: float
) -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(300):
        chance = rng.uniform(0.2, 0.8, (quarters, 60))
        luck = np.sqrt(together) * rng.normal(size=(quarters, 1)) + np.sqrt(1 - together) * rng.normal(
            size=chance.shape
        )
        missed = luck < norm.ppf(chance)
        ends = np.repeat(np.arange(quarters), 60)
        rows = pd.DataFrame({"miss": chance.ravel(), "missed": missed.ravel(), "quarter_to": ends})
        one = OutlookRecord(rows.shape[0], int(missed.sum()), float(chance.sum()), rows=rows)
        held.append("so the chances held" in findings.outlook_record_finding(one, LOOK))
    assert np.mean(held) > 0.87


def test_what_was_learned_is_told_or_why_nothing_was() -> None:
    learned = Calibration(quarters=5, outlooks=243, brier=0.13, error=0.053)
    said = findings.outlook_record_basis(record(40, 20, 0.5, learned), LOOK)
    assert "243 quotas of 5 quarters the chance told is off by 5.3 pts on average" in said
    said = findings.outlook_record_basis(
        record(0, 0, 0.5, Calibration(why="no earlier quarter can be seen")), LOOK
    )
    assert said == "Outlooks are told uncorrected, as no earlier quarter can be seen."
