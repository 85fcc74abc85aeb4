"""Ingest: every kind of file gives the same store; loads follow each other; nothing halfway is ever seen."""

from __future__ import annotations

import datetime as dt
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from exports import DEALS, NOW, REPS, SPEC, Export

from spm_lib.data.ingest import ingest
from spm_lib.data.store import open_store
from spm_lib.errors import StoreError

DAY = dt.timedelta(days=1)


def table(store: Path, query: str) -> list[tuple[object, ...]]:
    with open_store(store) as opened:
        return list(opened.connection.con.execute(query).fetchall())


def contents(store: Path) -> list[object]:
    return [table(store, f"select * from {name} order by all") for name in ("reps", "deals", "deal_changes")]


# Kinds of file


def write_excel(path: Path, text: str, sheet: str) -> None:
    """Write a workbook by hand: the smallest that Excel opens, with real dates and numbers."""
    import zipfile
    from xml.sax.saxutils import escape

    def cell(value: str) -> str:
        try:
            return f"<c><v>{float(value)}</v></c>"
        except ValueError:
            pass
        try:
            serial = (dt.date.fromisoformat(value) - dt.date(1899, 12, 30)).days
        except ValueError:
            return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f'<c s="1"><v>{serial}</v></c>'

    rows = "".join(f"<row>{''.join(map(cell, line.split(',')))}</row>" for line in text.splitlines())
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{kinds}.styles+xml"/>'
            f'<Override PartName="/xl/s1.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="{sheet}" sheetId="1" r:id="r1"/>'
            "</sheets></workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{office}/worksheet" Target="s1.xml"/>'
            f'<Relationship Id="r2" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        )
        book.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/>'
            '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        )
        book.writestr("xl/s1.xml", f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>')


@pytest.mark.parametrize("kind", ["tsv", "xlsx", "xlsx#Deals", "parquet", "jsonl"])
def test_every_kind_of_file_gives_the_same_store(tmp_path: Path, kind: str) -> None:
    plain = Export(tmp_path / "plain")
    plain.load()
    other = Export(tmp_path / "other")
    (other.files / "deals.csv").unlink()
    suffix, _, sheet = kind.partition("#")
    target = other.files / f"deals.{suffix}"
    source = plain.files / "deals.csv"
    if suffix == "tsv":
        target.write_text(DEALS.replace(",", "\t"))
    elif suffix == "xlsx":
        write_excel(target, DEALS, sheet or "Sheet1")
    elif suffix == "parquet":
        duckdb.sql(f"copy (from read_csv('{source}')) to '{target}'")
    else:
        duckdb.sql(f"copy (from read_csv('{source}')) to '{target}' (format json)")
    other.write_spec(SPEC.replace("from: deals.csv", f"from: 'deals.{kind}'"))
    summary = other.load()
    assert not summary.refusals
    assert contents(other.store) == contents(plain.store)


def test_refused_rows_of_a_workbook_name_its_row(tmp_path: Path) -> None:
    export = Export(tmp_path, SPEC.replace("deals.csv", "deals.xlsx"))
    write_excel(export.files / "deals.xlsx", DEALS.replace(",open,", ",opne,"), "Sheet1")
    (refusal,) = export.load().refusals
    assert refusal.line == 4


def test_query_joins_files(tmp_path: Path) -> None:
    spec = SPEC.replace(
        "    from: people.csv\n    columns: {rep_id: rep, name: full name}\n",
        "    files: {people: people.csv, titles: titles.csv}\n"
        '    query: select p.rep as rep_id, "full name" as name, title as role from people p left join titles using (rep)\n',
    )
    export = Export(tmp_path, spec, {"titles.csv": "rep,title\nr1,Closer\n"})
    export.load()
    assert table(export.store, "select rep_id, role from reps order by 1") == [("r1", "Closer"), ("r2", None)]


def test_headers_with_spaces_and_sql_words_are_columns(tmp_path: Path) -> None:
    spec = SPEC.replace("outcome: state", "outcome: case\n      x_score: x score\n      x_flag: order")
    deals = DEALS.replace("state,value", "case,value,x score,order")
    deals = "".join(line + (",1.5,true\n" if i else "\n") for i, line in enumerate(deals.splitlines()))
    export = Export(tmp_path, spec, {"deals.csv": deals})
    export.load()
    assert table(
        export.store, "select distinct x_score, x_flag, typeof(x_score), typeof(x_flag) from deals"
    ) == [(1.5, True, "DOUBLE", "BOOLEAN")]


# Loads that follow each other


def test_loading_twice_changes_nothing(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.load()
    before = contents(export.store)
    for days in (1, 2):
        summary = export.load(now=NOW + days * DAY)
        assert summary.recording.changes == 0
    assert contents(export.store) == before


def test_changes_between_loads_are_recorded(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.load()
    export.write("deals.csv", DEALS.replace("d3,r2,2024-02-11,,open,", "d3,r1,2024-02-11,2024-07-02,won,900"))
    summary = export.load(now=NOW + 2 * DAY)
    assert summary.recording.changes == 4
    changed = "select field, old_value, new_value from deal_changes where deal_id = 'd3' order by 1"
    expected = [
        ("amount", None, "900.00"),
        ("closed_on", None, "2024-07-02"),
        ("outcome", "open", "won"),
        ("owner_id", "r2", "r1"),
    ]
    assert table(export.store, changed) == expected
    # A later load keeps what earlier ones recorded.
    export.write("deals.csv", DEALS.replace("d3,r2,2024-02-11,,open,", "d3,r1,2024-02-11,2024-07-02,won,950"))
    assert export.load(now=NOW + 3 * DAY).recording.changes == 1
    assert len(table(export.store, "from deal_changes")) == 5


def test_history_begins_on_the_day_of_the_first_load(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.load(now=NOW)
    with open_store(export.store) as store:
        assert store.meta.tracked_from["amount"] == NOW.date()
    meta = export.load(now=NOW + 10 * DAY).meta
    assert meta.tracked_from["amount"] == NOW.date()
    assert meta.last_data_date == dt.date(2024, 6, 30), "loading is no event of the data"


def test_what_the_source_records_is_not_recorded_twice(tmp_path: Path) -> None:
    spec = SPEC + "  deal_changes: {from: changes.csv}\n"
    header = "deal_id,field,old_value,new_value,changed_at\n"
    first = header + "d1,amount,900,1000.50,2024-02-01 10:00:00\n"
    export = Export(tmp_path, spec, {"changes.csv": first})
    export.load()
    export.write("deals.csv", DEALS.replace("1000.50", "1100").replace("r2,2024-02-11", "r1,2024-02-11"))
    export.write("changes.csv", first + "d1,amount,1000.50,1100,2024-07-02 09:00:00\n")
    summary = export.load(now=NOW + 2 * DAY)
    assert summary.recording.changes == 1, "the owner alone: amounts come with their changes"
    fields = "select field, count(*) from deal_changes group by 1 order by 1"
    assert table(export.store, fields) == [("amount", 2), ("owner_id", 1)]
    assert summary.meta.tracked_from["amount"] == dt.date(2024, 2, 1)
    assert summary.meta.tracked_from["owner_id"] == NOW.date()


def test_deals_gone_from_the_source_are_kept_with_their_day(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.load()
    export.write(
        "deals.csv", "\n".join(line for line in DEALS.splitlines() if not line.startswith("d3")) + "\n"
    )
    for days in (1, 5):
        summary = export.load(now=NOW + days * DAY)
        assert table(export.store, "select deal_id, removed_on from deals where removed_on is not null") == [
            ("d3", (NOW + DAY).date())
        ]
    assert summary.recording.gone == 0
    export.write("deals.csv", DEALS)
    export.load(now=NOW + 6 * DAY)
    assert table(export.store, "select count(*) from deals where removed_on is not null") == [(0,)]


def test_a_deal_refused_is_not_gone(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.load()
    export.write("deals.csv", DEALS.replace("d3,r2,2024-02-11", "d3,r2,11.2.2024"))
    summary = export.load(now=NOW + DAY)
    assert summary.recording.gone == 0
    assert table(export.store, "select deal_id from deals order by 1") == [("d1",), ("d2",), ("d4",)]


def test_another_source_replaces_the_store_and_says_so(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.load()
    other = export.spec.with_name("other.yml")
    other.write_text(SPEC)
    summary = ingest(other, export.store, now=NOW)
    assert any("the store held the source 'crm'" in notice for notice in summary.notices)


# Whole or not at all


def big(rows: int) -> str:
    lines = [f"d{i},r{1 + i % 2},2024-01-10,2024-03-01,won,{i}" for i in range(rows)]
    return "id,owner,opened,closed,state,value\n" + "\n".join(lines) + "\n"


LOAD = (
    "import sys, datetime as dt\n"
    "from spm_lib.data.ingest import ingest\n"
    "print('go', flush=True)\n"
    "ingest(sys.argv[1], sys.argv[2], now=dt.datetime(2024, 7, 1, tzinfo=dt.UTC))\n"
)


def start(export: Export) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, str(export.spec), str(export.store)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_load_that_is_stopped_leaves_the_old_store_whole(tmp_path: Path, number: signal.Signals) -> None:
    export = Export(tmp_path)
    export.load()
    before = export.store.read_bytes()
    export.write("deals.csv", big(400_000))
    stopped = 0
    for wait in (0.1, 0.25, 0.4, 0.55):
        process = start(export)
        time.sleep(wait)
        process.send_signal(number)
        process.communicate(timeout=30)
        if process.returncode != 0:
            stopped += 1
            assert export.store.read_bytes() == before
    assert stopped >= 2, "the load was too quick to be stopped"
    export.write("deals.csv", DEALS)
    export.load()
    assert not list(tmp_path.glob(".*.loading")), "what a killed load left is cleared by the next"


def test_full_disk(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.load()
    before = export.store.read_bytes()
    export.write("deals.csv", big(200_000))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    command = [sys.executable, "-m", "spm_lib.cli", "ingest", str(export.spec), "--store", str(export.store)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    assert done.returncode == 2, done.stderr
    assert "the store cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert export.store.read_bytes() == before


def test_readers_keep_what_they_opened(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.load()
    with open_store(export.store) as old:
        export.write("deals.csv", DEALS.replace("d4", "d5"))
        export.load()
        still = old.connection.con.execute("select deal_id from deals order by 1").fetchall()
    assert ("d4",) in still
    assert ("d5",) in table(export.store, "select deal_id from deals")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    export = Export(tmp_path)
    with pytest.raises(StoreError, match="cannot be written"):
        ingest(export.spec, export.spec / "store.duckdb", now=NOW)


def test_reps_with_no_deals_and_deals_of_all_kinds_survive_pandas(tmp_path: Path) -> None:
    export = Export(tmp_path, files={"people.csv": REPS + "r3,Cy\n"})
    export.load()
    with open_store(export.store) as store:
        frame = store.as_of().table("deals").to_pandas()
    assert frame.shape[0] == 4
    assert pd.isna(frame.loc[frame.deal_id == "d3", "amount"]).all()
