"""Targets: quarterly for every rep, lower for new hires; rolled up for managers and regions."""

from __future__ import annotations

import datetime as dt

import numpy as np

from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.company import REGIONS, REPORTING_CURRENCY
from spm_lib.data.sources.demo.ids import Ids
from spm_lib.data.sources.demo.simulation import ROWS, World
from spm_lib.data.sources.demo.writing import Columns

FIRST_QUARTER, LAST_QUARTER = dt.date(2024, 7, 1), dt.date(2026, 10, 1)
#: A rep's full target for a quarter by segment, in dollars.
_FULL = (88_000, 190_000, 322_000)
#: What a new hire carries in the quarter of joining and in the next.
RAMP = (0.3, 0.6)
_RISE = 0.12  # a year
_BY_QUARTER = (0.92, 1.00, 1.01, 0.99)
#: How hard a team's targets are, drawn for each team around 1.
_HARDNESS = 0.09
#: A manager answers for a little less than the people's targets together, a region for less than its managers'.
_MANAGERS, _REGIONS = 0.95, 0.97


def quotas(world: World, ids: Ids) -> Columns:
    """Give all targets."""
    staff = world.staff
    hard = 1 + _HARDNESS * world.dice_of_company(ROWS + 5).normal(len(world.teams))
    rows: list[tuple[str, str, str, dt.date, dt.date, int]] = []
    start = FIRST_QUARTER
    while start <= LAST_QUARTER:
        end = timeline.next_quarter(start) - dt.timedelta(days=1)
        first, last = timeline.number(start), timeline.number(end)
        by_team = np.zeros(len(world.teams), dtype=np.int64)
        for rep in range(len(staff.reps)):
            left = staff.left[rep]
            begins, ends = max(first, staff.hired[rep]), last if left is None else min(last, left)
            if begins > ends:
                continue
            team = int(staff.team_on[rep, begins])
            full = _FULL[world.teams[team].segment] * hard[team] * (1 + _RISE * first / 365)
            full *= _BY_QUARTER[(start.month - 1) // 3] * _ramp(staff.hired[rep], start)
            amount = max(1000, 500 * round(full * (ends - begins + 1) / (last - first + 1) / 500))
            by_team[team] += amount
            rows.append(
                ("rep", ids.reps[rep], "individual", timeline.date(begins), timeline.date(ends), amount)
            )
        by_region = [0] * len(REGIONS)
        for place, one in enumerate(world.teams):
            amount = 5000 * round(_MANAGERS * int(by_team[place]) / 5000)
            by_region[one.region] += amount
            rows.append(("rep", ids.managers[place], "roll_up", start, end, amount))
        for region, total in enumerate(by_region):
            amount = 10_000 * round(_REGIONS * total / 10_000)
            rows.append(("team", REGIONS[region].lower(), "roll_up", start, end, amount))
        start = timeline.next_quarter(start)
    kinds, owners, sorts, begins_on, ends_on, amounts = zip(*rows, strict=True)
    return {
        "owner_kind": kinds,
        "owner_id": owners,
        "kind": sorts,
        "starts_on": [day.isoformat() for day in begins_on],
        "ends_on": [day.isoformat() for day in ends_on],
        "amount": [f"{amount}.00" for amount in amounts],
        "currency": [REPORTING_CURRENCY] * len(rows),
    }


def _ramp(hired: int, quarter: dt.date) -> float:
    joined = timeline.quarter_start(timeline.date(hired))
    if quarter == joined:
        return RAMP[0]
    return RAMP[1] if quarter == timeline.next_quarter(joined) else 1.0
