"""The demo company: one seeded synthetic company with planted causes, the same bytes everywhere.

It sells software in three regions. Its CRM records from `GO_LIVE` to `LAST_DAY`.
What is planted is written where it is planted: why deals are lost in `hazards`, what each rep is worse at in
`skills`, the source that converts better in `leads`, the initiative that works in `initiatives`. Days pass in
`pipeline`; `simulation` runs them; `tables` and what it calls turn the result into rows. The module `truth`
is for tests and benchmarks alone.
"""

from __future__ import annotations

from pathlib import Path

from spm_lib.data.sources.demo.company import REPORTING_CURRENCY
from spm_lib.data.sources.demo.simulation import simulate
from spm_lib.data.sources.demo.tables import tables
from spm_lib.data.sources.demo.timeline import GO_LIVE, LAST_DAY
from spm_lib.data.sources.demo.writing import write

#: The time zone of every date and time in the tables.
TIMEZONE = "Europe/London"

__all__ = ["GO_LIVE", "LAST_DAY", "REPORTING_CURRENCY", "TIMEZONE", "generate"]


def generate(folder: Path, *, seed: int = 1, scale: int = 1, luck: int = 0) -> None:
    """Write the company's tables, one ``<table>.csv`` for each canonical table.

    Parameters
    ----------
    folder
        Where to; made where it is missing.
    seed
        Which company.
    scale
        How many times eight teams and sixty reps.
    luck
        The same people, skills, accounts and targets in another run of chance.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in tables(simulate(seed, scale, luck=luck)).items():
        write(folder, name, columns)
