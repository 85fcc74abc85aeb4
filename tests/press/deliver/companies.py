"""A small company for tests of who is sent what: its store in memory, a spec, a report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from spm_lib.data.schema import TABLES
from spm_lib.data.store import Store, StoreMeta
from spm_lib.press.deliver.addressing import Addressed, addressees_of
from spm_lib.press.deliver.directory import Directory
from spm_lib.press.records import RunRecord
from spm_lib.press.spec import RunSpec, Spec
from spm_lib.spec_file import SpecDocument

from ..test_records import record

Rows = Sequence[Mapping[str, Any]]

TODAY = dt.date(2030, 6, 1)
TEAM_MANAGER, THE_TEAM = "{team.manager.email}", "{team.email}"
REP_MANAGER, THE_REP = "{rep.manager.email}", "{rep.email}"

#: ``emea`` (Vera) stands over ``west`` (Mia; Ann, Bo) and ``east`` (Max; Cy); ``west-1`` (Wes; Dee) stands below west.
TEAMS = [
    {"team_id": "emea", "name": "EMEA", "manager_id": "vera", "email": "emea@x.example"},
    {"team_id": "west", "name": "West", "manager_id": "mia", "parent_team_id": "emea", "email": "west@x.example"},
    {"team_id": "west-1", "name": "West 1", "manager_id": "wes", "parent_team_id": "west", "email": "west-1@x.example"},
    {"team_id": "east", "name": "East", "manager_id": "max", "parent_team_id": "emea", "email": "east@x.example"},
    {"team_id": "lost", "name": "Lost"},
]  # fmt: skip
MEMBERS = {"ann": "west", "bo": "west", "cy": "east", "dee": "west-1"}
BOSSES = {"ann": "mia", "bo": "mia", "cy": "max", "dee": "wes", "mia": "vera", "max": "vera", "wes": "mia"}
NAMES = ("ann", "bo", "cy", "dee", "mia", "max", "wes", "vera", "ceo")


def rep(key: str, **more: Any) -> dict[str, Any]:
    plain = {"rep_id": key, "name": key.title(), "email": at(key), "manager_id": BOSSES.get(key)}
    return plain | more


def at(name: str) -> str:
    return f"{name}@x.example"


def store_of(tables: dict[str, Rows], engine: duckdb.DuckDBPyConnection) -> Store:
    """The store of a company, in memory: only the tables that say who is who."""
    for name, rows in tables.items():
        columns = TABLES[name].columns
        engine.execute(
            f"create or replace table {name} ({', '.join(f'{c.name} {c.sql_type}' for c in columns)})"
        )
        marks = ", ".join("?" for _ in columns)
        engine.executemany(
            f"insert into {name} values ({marks})", [[row.get(c.name) for c in columns] for row in rows]
        )
    return Store(Path("made.duckdb"), engine, StoreMeta("made", dt.datetime(2030, 1, 1)))


def company(**changed: dict[str, Any]) -> Store:
    """The company; ``mia={"left_on": …}`` changes a person, ``team_west={…}`` a team, ``in_bo={…}`` a membership."""
    people = dict.fromkeys([*NAMES, *(key for key in changed if not key.startswith(("team_", "in_")))])
    members = [
        {"rep_id": name, "team_id": team} | changed.get(f"in_{name}", {}) for name, team in MEMBERS.items()
    ]
    if "in_bo_then" in changed:
        members.append({"rep_id": "bo", "team_id": "east"} | changed["in_bo_then"])
    tables: dict[str, Rows] = {
        "teams": [team | changed.get(f"team_{team['team_id']}", {}) for team in TEAMS],
        "reps": [rep(name, **changed.get(name, {})) for name in people],
        "team_members": members,
    }
    return store_of(tables, duckdb.connect(":memory:"))


def spec_of(to: Sequence[str], owner: str | None = None, **deliver: Any) -> Spec:
    content = {
        "notebook": "n",
        "for_each": {"team": "all"},
        "deliver": {"to": list(to)} | deliver,
        "owner": owner,
    }
    return Spec(
        "summary", SpecDocument(RunSpec.model_validate(content), Path("s.yml"), {(): 1}), Path("n.ipynb")
    )


def about(team: str | None = "west", rep: str | None = None) -> RunRecord:
    names = {each["team_id"]: each["name"] for each in TEAMS}
    name = "Company" if team is None else names.get(team, "Gone")
    return record(team=team, team_name=name, rep=rep, rep_name=rep.title() if rep else None)


def addressed(
    store: Store,
    *to: str,
    report: RunRecord | None = None,
    directory: Directory | None = None,
    today: dt.date = TODAY,
    **deliver: Any,
) -> Addressed:
    spec = spec_of(to, **deliver)
    return addressees_of(report or about(), spec, store, directory or Directory(), today=today)


def sent(found: Addressed) -> list[str]:
    return [each.address for each in found.to]


def why(found: Addressed) -> list[tuple[str, str]]:
    return [(each.recipient, each.why) for each in found.dropped]
