"""A company in whose CRM every name is an attack, through the real pipeline: ingest, kernels, rendering, index, mails."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from spm_lib.data.ingest import ingest
from spm_lib.data.store import Store
from spm_lib.press.index import write_index
from spm_lib.press.plan import Job
from spm_lib.press.records import RunRecord, read_record, to_json

from .attacks import ATTACKS
from .shelves import NOW, SUMMARY, TEAMS, jobs_of, put


def hostile_store(folder: Path) -> Path:
    """Load the company; the gate must refuse none of its names."""
    store = folder / "store.duckdb"
    ingest(_source(folder), store, now=NOW, strict=True)
    return store


def hostile_jobs(store: Store, folder: Path) -> list[Job]:
    """Plan the report of the team above all others, a parade of all teams, and the company's summary."""
    reports = folder / "reports"
    jobs = [
        *jobs_of(TEAMS, store, reports, teams=["t0"], parameters={"top_deals": 200}),
        *jobs_of(_parade(folder), store, reports),
    ]
    return [*jobs, *jobs_of(SUMMARY, store, reports)] if SUMMARY.exists() else jobs


def index_of_attacks(reports: Path, folder: Path) -> None:
    """Make an index of a team for each attack, each with all that a record can hold."""
    shutil.rmtree(folder, ignore_errors=True)
    path = next(reports.glob("team_performance/*/*/*.json"))
    record = read_record(path)
    for number, attack in enumerate(ATTACKS):
        plain = json.loads(to_json(record).replace(json.dumps(ATTACKS[0])[1:-1], json.dumps(attack)[1:-1]))
        plain |= {"team": attack, "team_name": attack, "period_title": attack, "warnings": [attack]}
        if number % 5 == 0:
            failure = {"error": attack, "message": attack, "cell": 1, "line": attack}
            plain |= {"status": "failed", "failure": failure, "published": None}
        put(folder, RunRecord.model_validate(plain), path, f"team-{number}")
    write_index(folder)


#: A notebook that shows every team by its name, in all that a notebook says in words.
PARADE = """\
said = []
for name in sorted(everybody):
    one = spm.open_report(team=name, period=period, as_of=as_of)
    said.append(f"Here is {one.name}.")
    display(one, spm.headline(said[-1]), spm.claim(said[-1]), spm.reading(said[-1]), Markdown(said[-1]))
"""


def _parade(folder: Path) -> Path:
    cells = [
        new_markdown_cell("# Who are they?\n\nEvery team by its name."),
        new_code_cell(
            'period: str = "this-quarter"\nas_of: str = "latest"', metadata={"tags": ["parameters"]}
        ),
        new_code_cell(
            "import spm_lib as spm\nfrom IPython.display import Markdown, display\n"
            "report = spm.open_report(period=period, as_of=as_of)\n"
            'KPIS = ["revenue", "quota_attainment", "quota_pace"]\neverybody = report.snapshot.teams',
            metadata={"tags": ["hide"]},
        ),
        new_code_cell(PARADE),
        new_code_cell("display(*(spm.reading(each) for each in said))", metadata={"tags": ["email"]}),
        new_code_cell(
            'report.publish(" ".join(said)[:900], report.compare(KPIS), actions=said, people=said)'
        ),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for name in ("notebooks", "params"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    book = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"
    nbformat.write(book, folder / "notebooks" / "parade.ipynb")
    spec = folder / "params" / "parade.yml"
    spec.write_text(
        "notebook: parade\nfor_each: {company: true}\nperiod: this-quarter\nas_of: latest\n", "utf-8"
    )
    return spec


def _source(folder: Path) -> Path:
    """Write exports and their spec: under one team a team for each attack, with a rep, deals and accounts."""
    exports = folder / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    numbered = list(enumerate(ATTACKS))
    day = dt.date(2024, 5, 1)
    _write(
        exports / "teams.csv",
        ({"id": f"t{n}", "name": a, "above": "t0" if n else ""} for n, a in numbered),
    )
    _write(exports / "reps.csv", ({"id": f"r{n}", "name": a, "team": f"t{n}"} for n, a in numbered))
    _write(exports / "accounts.csv", ({"id": f"a{n}", "name": a} for n, a in numbered))
    _write(
        exports / "quotas.csv",
        (
            {"rep": f"r{n}", "from": quarter, "to": quarter + dt.timedelta(days=90), "amount": 1000}
            for n, _ in numbered
            for quarter in (dt.date(2024, 1, 1), dt.date(2024, 4, 1))
        ),
    )
    _write(
        exports / "deals.csv",
        (
            {
                "id": f"d{n}-{state}",
                "name": attack,
                "owner": f"r{n}",
                "account": f"a{n}",
                "stage": attack,
                "source": attack,
                "state": state,
                "amount": 100 + n,
                "created": day - dt.timedelta(days=n),
                "closed": day + dt.timedelta(days=n % 30) if state != "open" else "",
                "expected": day + dt.timedelta(days=30 + n % 20),
            }
            for n, attack in numbered
            for state in ("won", "lost", "open")
        ),
    )
    spec = folder / "hostile.yml"
    spec.write_text(
        """\
kind: files
path: exports
timezone: UTC
currency: USD
tables:
  teams: {from: teams.csv, columns: {team_id: id, name: name, parent_team_id: above}}
  reps: {from: reps.csv, columns: {rep_id: id, name: name}}
  team_members: {from: reps.csv, columns: {rep_id: id, team_id: team}}
  accounts: {from: accounts.csv, columns: {account_id: id, name: name}}
  quotas:
    from: quotas.csv
    columns: {owner_kind: "'rep'", owner_id: rep, kind: "'individual'", starts_on: from, ends_on: to, amount: amount}
  deals:
    from: deals.csv
    columns:
      deal_id: id
      name: name
      owner_id: owner
      account_id: account
      stage: stage
      source: source
      outcome: state
      amount: amount
      created_on: created
      closed_on: closed
      expected_close_on: expected
""",
        "utf-8",
    )
    return spec


def _write(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
