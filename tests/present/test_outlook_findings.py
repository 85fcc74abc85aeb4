"""What is said of outlooks told earlier: no more than so many quotas can show."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy.stats import binom

from spm_lib.models.quota_correction import Calibration
from spm_lib.models.quota_record import OutlookRecord
from spm_lib.present import findings
from spm_lib.theme import Look

LOOK = Look()


def record(n: int, missed: int, chance: float, learned: Calibration | None = None) -> OutlookRecord:
    rows = pd.DataFrame({"miss": [chance] * n})
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


def test_what_was_learned_is_told_or_why_nothing_was() -> None:
    learned = Calibration(quarters=5, outlooks=243, brier=0.13, error=0.053)
    said = findings.outlook_record_basis(record(40, 20, 0.5, learned), LOOK)
    assert "243 quotas of 5 quarters the chance told is off by 5.3 pts on average" in said
    said = findings.outlook_record_basis(
        record(0, 0, 0.5, Calibration(why="no earlier quarter can be seen")), LOOK
    )
    assert said == "Outlooks are told uncorrected, as no earlier quarter can be seen."
