"""Ingest of a million deals and three million changes from CSV, validated, beside DuckDB's own load of the same files."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))
from timing import Promise, in_turn, report

from spm_lib.data.ingest import ingest

LIMIT = 3.0
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TABLES = ("reps", "deals", "deal_changes")


def write_files(folder: Path, deals: int) -> None:
    """Write the exports of a company with `deals` deals and three changes of each."""
    reps = max(deals // 500, 1)
    with duckdb.connect() as connection:
        connection.execute("select setseed(0.5)")
        connection.execute(
            f"copy (select 'R' || i as rep_id, 'Rep ' || i as name from range({reps}) t(i)) to '{folder}/reps.csv'"
        )
        connection.execute(
            f"""copy (
                select 'D' || i as deal_id, 'Deal number ' || i as name, 'R' || (i % {reps}) as owner_id, 'New' as pipeline,
                ['Discovery', 'Proposal', 'Negotiation', 'Won', 'Lost'][1 + i % 5] as stage,
                round(random() * 100000, 2) as amount, 'USD' as currency, date '2020-01-01' + (i % 1800)::int as created_on,
                date '2020-01-01' + (i % 1800 + 60)::int as expected_close_on,
                case when i % 5 >= 3 then date '2020-01-01' + (i % 1800 + 50)::int end as closed_on,
                case i % 5 when 3 then 'won' when 4 then 'lost' else 'open' end as outcome,
                ['web', 'referral'][1 + i % 2] as source
                from range({deals}) t(i)) to '{folder}/deals.csv'"""
        )
        connection.execute(
            f"""copy (
                select 'D' || (i % {deals}) as deal_id, ['stage', 'amount', 'expected_close_on'][1 + i // {deals}] as field,
                ['Discovery', '100.50', '2020-03-04'][1 + i // {deals}] as old_value,
                ['Proposal', '200.50', '2020-05-04'][1 + i // {deals}] as new_value,
                timestamp '2020-01-01 10:00:00' + interval (i % 1800) day as changed_at
                from range({3 * deals}) t(i)) to '{folder}/deal_changes.csv'"""
        )
    lines = ["kind: files", "path: .", "tables:"] + [f"  {name}: {{from: {name}.csv}}" for name in TABLES]
    (folder / "crm.yml").write_text("\n".join(lines) + "\n")


def main() -> int:
    """Measure both sides in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the promises as JSON")
    parser.add_argument("--rows", type=int, default=1_000_000, help="deals; three times as many changes")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_files(folder, asked.rows)

        def ours() -> None:
            # Each round is a first load: a second one also compares a million deals with the last.
            (folder / "ours.duckdb").unlink(missing_ok=True)
            summary = ingest(folder / "crm.yml", folder / "ours.duckdb", now=NOW)
            assert summary.rows == {
                "reps": max(asked.rows // 500, 1),
                "deals": asked.rows,
                "deal_changes": 3 * asked.rows,
            }
            assert not summary.refused

        def again() -> None:
            assert ingest(folder / "crm.yml", folder / "again.duckdb", now=NOW).recording.changes == 0

        def theirs() -> None:
            (folder / "theirs.duckdb").unlink(missing_ok=True)
            with duckdb.connect(str(folder / "theirs.duckdb")) as connection:
                for name in TABLES:
                    connection.execute(f"create table {name} as from read_csv('{folder}/{name}.csv')")

        sides = (
            ("spm ingest, first load", ours),
            ("spm ingest, next load", again),
            ("DuckDB's own load", theirs),
        )
        timed = in_turn(sides, asked.rounds)
    first, following, baseline = (side.median for side in timed)
    rows = f"{asked.rows:,} deals, {3 * asked.rows:,} changes"
    promises = [
        Promise(
            f"ingest of {rows}, times DuckDB's own load", LIMIT, first / baseline, first / baseline <= LIMIT
        ),
        Promise(
            "the same, compared with the load before, times DuckDB's own load",
            LIMIT,
            following / baseline,
            following / baseline <= LIMIT,
        ),
    ]
    return report("Ingest from CSV", timed, promises, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
