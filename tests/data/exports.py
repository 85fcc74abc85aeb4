"""A small CRM export that tests spoil in one place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from spm_lib.data.ingest import IngestSummary, ingest

NOW = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)

REPS = "rep,full name\nr1,Ann Lee\nr2,Bo Chen\n"
DEALS = """\
id,owner,opened,closed,state,value
d1,r1,2024-01-10,2024-03-01,won,1000.50
d2,r1,2024-02-01,2024-03-20,lost,300
d3,r2,2024-02-11,,open,
d4,r2,2024-03-01,2024-06-30,won,2000
"""
SPEC = """\
kind: files
path: export
tables:
  reps:
    from: people.csv
    columns: {rep_id: rep, name: full name}
  deals:
    from: deals.csv
    columns:
      deal_id: id
      owner_id: owner
      created_on: opened
      closed_on: closed
      outcome: state
      amount: value
"""


class Export:
    """A folder of exports with its spec, and a store to load it into."""

    def __init__(
        self, folder: Path, spec: str = SPEC, files: Mapping[str, str | bytes] | None = None
    ) -> None:
        self.folder = folder
        self.files = folder / "export"
        self.files.mkdir(parents=True, exist_ok=True)
        self.spec = folder / "crm.yml"
        self.store = folder / "store.duckdb"
        self.write_spec(spec)
        for name, content in {"people.csv": REPS, "deals.csv": DEALS, **(files or {})}.items():
            self.write(name, content)

    def write_spec(self, text: str) -> None:
        self.spec.write_text(dedent(text), encoding="utf-8")

    def write(self, name: str, content: str | bytes) -> None:
        raw = content.encode() if isinstance(content, str) else content
        (self.files / name).write_bytes(raw)

    def load(self, *, now: dt.datetime = NOW, strict: bool = False) -> IngestSummary:
        return ingest(self.spec, self.store, now=now, strict=strict)
