"""Four metrics for every rep of a quarter over ten million deals, beside one hand-written query for the same figures."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from timing import Promise, in_turn, report

from spm_lib.data.store import Store, StoreMeta, create_tables, open_store, write_meta
from spm_lib.metrics import evaluate
from spm_lib.periods import parse_period

LIMIT = 1.5
ROWS = 10_000_000
METRICS = ("revenue", "win_rate", "sales_cycle", "average_deal_size")
FIGURES = ("value", "n", "low", "high")
REPS = 2_000
FIRST = dt.date(2020, 1, 1)
DAYS = 5 * 365
PERIOD = "2023-Q4"

# What a good analyst writes for these four on this schema. Student's t and the binomial ranks of a median's
# interval are in no SQL dialect, so they are looked up by n in two tables made beforehand.
BY_HAND = """
with closed as (
    select
        owner_id,
        outcome = 'won' as won,
        case when currency is null or currency = 'USD' then amount end as amount,
        date_diff('day', created_on, closed_on) as days
    from deals
    where closed_on between date '2023-10-01' and date '2023-12-31'
        and outcome in ('won', 'lost') and merged_into_id is null and removed_on is null
),
sums as (
    select
        owner_id,
        count(*) filter (won) as won,
        count(*) as n,
        sum(amount) filter (won)::double as revenue,
        sum(amount::double * amount::double) filter (won) as squares,
        count(amount) filter (won) as revenue_n,
        count(*) filter (won and amount > 0) as sizes,
        sum(amount) filter (won and amount > 0)::double as worth,
        var_samp(amount::double) filter (won and amount > 0) as variance,
        list_sort(list(days) filter (won and days is not null)) as days
    from closed
    group by owner_id
),
rated as (
    select *, n as decided, won / n as rate, worth / sizes as size, len(days) as cycles, 1.959963984540054 as z,
        rate + z * z / (2 * decided) as middle,
        z * sqrt(rate * (1 - rate) / decided + z * z / (4 * decided * decided)) as half,
        1 + z * z / decided as spread
    from sums
)
select
    reps.rep_id as rep,
    reps.name as rep_name,
    coalesce(revenue, 0) as revenue_value,
    coalesce(revenue_n, 0) as revenue_n,
    coalesce(revenue - z * sqrt(squares), 0) as revenue_low,
    coalesce(revenue + z * sqrt(squares), 0) as revenue_high,
    rate as win_rate_value,
    coalesce(decided, 0) as win_rate_n,
    (middle - half) / spread as win_rate_low,
    (middle + half) / spread as win_rate_high,
    (days[(cycles + 1) // 2] + days[cycles // 2 + 1]) / 2 as sales_cycle_value,
    coalesce(cycles, 0) as sales_cycle_n,
    days[rank] as sales_cycle_low,
    days[cycles + 1 - rank] as sales_cycle_high,
    size as average_deal_size_value,
    coalesce(sizes, 0) as average_deal_size_n,
    size - t * sqrt(variance / sizes) as average_deal_size_low,
    size + t * sqrt(variance / sizes) as average_deal_size_high
from reps
left join rated on owner_id = rep_id
left join median_ranks on median_ranks.n = cycles
left join student on student.n = sizes
order by rep
"""


def write_store(path: Path, deals: int) -> None:
    """Write the store of a company with `deals` deals, in the order in which they were created."""
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        connection.execute(
            f"insert into reps (rep_id, name) select format('R{{:04d}}', i), 'Rep ' || i from range({REPS}) t(i)"
        )
        connection.execute(
            f"""insert into deals
                (deal_id, owner_id, amount, currency, created_on, closed_on, outcome, merged_into_id)
            select
                'D' || i,
                format('R{{:04d}}', (hash(i) % {REPS})::int),
                (100 + (hash(i, 1) % 1000000) / 100.0)::decimal(18, 2),
                case when hash(i, 2) % 2 = 0 then 'USD' end,
                date '{FIRST}' + day,
                case when hash(i, 4) % 10 > 0 then date '{FIRST}' + day + (hash(i, 3) % 120)::int end,
                case when hash(i, 4) % 10 = 0 then 'open' when hash(i, 4) % 10 < 6 then 'won' else 'lost' end,
                case when hash(i, 5) % 100 = 0 then 'D0' end
            from (select i, (i * {DAYS} // {deals})::int as day from range({deals}) t(i))"""
        )
        last = FIRST + dt.timedelta(days=DAYS - 1)
        rows = {"deals": deals, "reps": REPS}
        meta = StoreMeta("benchmark", dt.datetime(2025, 1, 1, tzinfo=dt.UTC), FIRST, last, FIRST, rows=rows)
        write_meta(connection, meta)


def write_quantiles(store: Store, most: int) -> None:
    """Write the tables that the hand-written query looks up: ranks of a median's bounds, and Student's t."""
    n = np.arange(most + 1)
    ranks = stats.binom.ppf(0.025, n, 0.5)
    frame = pd.DataFrame({"n": n, "rank": np.where(ranks >= 1, ranks, np.nan)}).astype({"rank": "Int64"})
    frame["t"] = stats.t.ppf(0.975, np.where(n > 1, n - 1, np.nan))
    connection = store.connection.con
    connection.register("quantiles", frame)
    connection.execute("create temp table median_ranks as select n, rank from quantiles")
    connection.execute("create temp table student as select n, t from quantiles")


def check_equal(ours: pd.DataFrame, by_hand: pd.DataFrame) -> None:
    """Fail where the two sides differ in any figure."""
    for metric in METRICS:
        mine = ours[ours["metric"] == metric].sort_values("rep", ignore_index=True)
        assert mine["rep"].tolist() == by_hand["rep"].tolist()
        for figure in FIGURES:
            theirs = by_hand[f"{metric}_{figure}"].to_numpy(dtype=float)
            np.testing.assert_allclose(mine[figure].to_numpy(dtype=float), theirs, rtol=1e-9, atol=1e-9)


def main() -> int:
    """Measure both sides in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the promises as JSON")
    parser.add_argument("--rows", type=int, default=ROWS, help="deals; the promise is made for the default")
    parser.add_argument("--rounds", type=int, default=11)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        write_store(path, asked.rows)
        with open_store(path) as store:
            write_quantiles(store, most=asked.rows // REPS)
            snapshot = store.as_of()
            period = parse_period(PERIOD, as_of=snapshot.date)

            def ours() -> pd.DataFrame:
                return evaluate(METRICS, snapshot, period, by="rep")

            def theirs() -> pd.DataFrame:
                frame: pd.DataFrame = store.connection.con.sql(BY_HAND).to_arrow_table().to_pandas()
                return frame

            check_equal(ours(), theirs())
            sides = (("evaluate", ours), ("one hand-written query", theirs))
            timed = in_turn(sides, asked.rounds)
    measured, baseline = (side.median for side in timed)
    ratio = measured / baseline
    what = f"four metrics for {REPS:,} reps over {asked.rows:,} deals, times one hand-written query"
    # What compiling the expressions takes is the same however few rows there are: nothing is claimed of few.
    promises = [Promise(what, LIMIT, ratio, ratio <= LIMIT)] if asked.rows >= ROWS else []
    return report("Metrics by rep", timed, promises, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
