"""Bad input, each kind once: one line that says what, where and how to mend it; the old store whole."""

from __future__ import annotations

import codecs
import datetime as dt
import sys
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from exports import DEALS, NOW, REPS, SPEC, Export

from spm_lib.data.ingest import ingest
from spm_lib.data.store import META_TABLE, QUARANTINE_TABLE, open_store
from spm_lib.errors import SourceError, SpecError, SpmError, StoreError


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Give an export that has been loaded once, so that there is an old store to lose."""
    export = Export(tmp_path)
    export.load()
    return export


def deals_in(store: Path) -> list[tuple[object, ...]]:
    with open_store(store) as opened:
        rows = opened.connection.con.execute(
            "select deal_id, amount::varchar, created_on, closed_on, outcome from deals order by 1"
        ).fetchall()
    return list(rows)


def refused(export: Export) -> dict[str, int]:
    summary = export.load()
    return {f"{r.table}: {r.reason}": r.rows for r in summary.refusals}


def fails(export: Export, kind: type[SpmError], *words: str, strict: bool = False) -> str:
    """Load, see it fail in one line that says `words`, and the old store stand."""
    before = export.store.read_bytes()
    with pytest.raises(kind) as caught:
        export.load(strict=strict)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line, line
    assert caught.value.mend, line
    assert export.store.read_bytes() == before
    assert not list(export.folder.glob(".*.loading"))
    return line


# Files


def test_missing_file(export: Export) -> None:
    (export.files / "deals.csv").rename(export.files / "deal.csv")
    fails(export, SourceError, "there is no file deals.csv", "Did you mean 'deal.csv'?")


def test_missing_folder(export: Export) -> None:
    with pytest.raises(SourceError, match=r"no such folder.*--path"):
        ingest(export.spec, export.store, now=NOW, path=export.folder / "nowhere")


def test_empty_file(export: Export) -> None:
    export.write("deals.csv", "")
    fails(export, SourceError, "deals.csv", "the file is empty")


def test_header_alone(export: Export) -> None:
    export.write("deals.csv", DEALS.splitlines()[0] + "\n")
    fails(export, SourceError, "deals.csv", "the table deals has no rows")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04rest of a workbook", "an Excel or zip file"),
        (b"PAR1....", "a Parquet file"),
        (b"%PDF-1.7", "a PDF"),
        (b"<!doctype html><table>", "HTML or XML"),
        (b'{"id": "d1"}', "JSON"),
        (b"\x00\x01\x02\x03", "bytes that no text has"),
    ],
)
def test_text_that_is_something_else(export: Export, content: bytes, what: str) -> None:
    export.write("deals.csv", content)
    fails(export, SourceError, "deals.csv", what)


@pytest.mark.parametrize("suffix", ["xlsx", "parquet", "jsonl"])
def test_something_else_that_is_text(export: Export, suffix: str) -> None:
    export.write(f"deals.{suffix}", DEALS)
    export.write_spec(SPEC.replace("deals.csv", f"deals.{suffix}"))
    fails(export, SourceError, f"deals.{suffix}")


def test_unknown_ending(export: Export) -> None:
    export.write("deals.docx", DEALS)
    export.write_spec(SPEC.replace("deals.csv", "deals.docx"))
    fails(export, SourceError, "'.docx' files cannot be read", ".csv")


def test_wrong_delimiter(export: Export) -> None:
    export.write_spec(SPEC.replace("from: deals.csv", "from: deals.csv\n    delimiter: ';'"))
    fails(export, SpecError, "crm.yml:", "deals.csv", "one column", "delimiter")


def test_delimiter_is_found_out(export: Export) -> None:
    before = deals_in(export.store)
    for delimiter in ";\t|":
        export.write("deals.csv", DEALS.replace(",", delimiter))
        export.load()
        assert deals_in(export.store) == before


def test_wrong_encoding(export: Export) -> None:
    export.write("people.csv", REPS.replace("Ann", "Ané").encode("cp1252"))
    fails(export, SourceError, "people.csv:2", "0xe9", "encoding: cp1252")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig", "mac-roman"])
def test_other_encodings(export: Export, encoding: str) -> None:
    export.write("people.csv", REPS.replace("Ann", "Ané").encode(encoding))
    declared = "" if encoding.startswith("utf") else f"\n    encoding: {encoding}"
    export.write_spec(SPEC.replace("from: people.csv", "from: people.csv" + declared))
    export.load()
    with open_store(export.store) as store:
        names = store.connection.con.execute("select name from reps order by rep_id").fetchall()
    assert names == [("Ané Lee",), ("Bo Chen",)]


def test_unknown_encoding(export: Export) -> None:
    export.write_spec(SPEC.replace("from: people.csv", "from: people.csv\n    encoding: cp125"))
    fails(export, SourceError, "there is no encoding 'cp125'", "cp1252")


def test_bom_of_utf16_without_declaration_is_enough(export: Export) -> None:
    export.write("people.csv", codecs.BOM_UTF16_BE + REPS.encode("utf-16-be"))
    assert export.load().rows["reps"] == 2


# Columns


def test_missing_column(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("value", "amount_usd"))
    fails(export, SpecError, "crm.yml:15", "deals.amount asks for 'value'", "deals.csv")


def test_duplicated_column(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("opened,closed", "opened,Opened"))
    fails(export, SourceError, "deals.csv:1", "'Opened' stands twice")


def test_unknown_table_in_the_spec(export: Export) -> None:
    export.write_spec(SPEC.replace("  deals:", "  deels:"))
    fails(export, SpecError, "crm.yml:7", "there is no table 'deels'", "Did you mean 'deals'?")


def test_unknown_column_in_the_spec(export: Export) -> None:
    export.write_spec(SPEC.replace("closed_on:", "close_on:"))
    fails(export, SpecError, "crm.yml:13", "has no column 'close_on'", "Did you mean 'closed_on'?")


def test_unknown_key_in_the_spec(export: Export) -> None:
    export.write_spec(SPEC.replace("path: export", "path: export\ntimezon: UTC"))
    fails(export, SpecError, "crm.yml:3", "timezon", "Did you mean 'timezone'?")


def test_unknown_zone_and_currency(export: Export) -> None:
    export.write_spec(SPEC.replace("path: export", "path: export\ntimezone: Europe/Londn"))
    fails(export, SpecError, "crm.yml:3", "Europe/Londn", "Europe/London")
    export.write_spec(SPEC.replace("path: export", "path: export\ncurrency: dollars"))
    fails(export, SpecError, "crm.yml:3", "'dollars' is no currency")


def test_broken_yaml_and_duplicate_keys(export: Export) -> None:
    export.write_spec(SPEC.replace("path: export", "path: [export"))
    fails(export, SpecError, "crm.yml:")
    export.write_spec(SPEC.replace("path: export", "path: export\npath: other"))
    fails(export, SpecError, "crm.yml:3", "stands twice")


def test_sql_that_does_not_run(export: Export) -> None:
    export.write_spec(SPEC.replace("amount: value", "amount: replace(value"))
    fails(export, SpecError, "crm.yml:15", "deals.amount")
    export.write_spec(SPEC.replace("amount: value", "amount: cast('a' || value as double)"))
    fails(export, SpecError, "crm.yml:7", "try_cast")


def test_sql_reaches_no_other_file(export: Export) -> None:
    (export.folder / "secret.csv").write_text("a\n1\n")
    for sql in (
        f"(select count(*) from read_csv('{export.folder}/secret.csv'))",
        f"(select content from read_text('{export.folder}/secret.csv'))",
        "(select 1 from 'https://example.com/x.csv')",
    ):
        export.write_spec(SPEC.replace("amount: value", f'amount: "{sql}"'))
        fails(export, SpecError, "crm.yml:15")


# Rows


def test_orphan_owner(export: Export) -> None:
    export.write("deals.csv", DEALS + "d5,r9,2024-01-01,,open,5\n")
    assert refused(export) == {"deals: owner_id names nothing in reps; add it there, or leave the row out": 1}
    assert len(deals_in(export.store)) == 4


def test_refused_rows_are_kept_with_reason_row_and_line(export: Export) -> None:
    rows = 'd5,r9,2024-01-01,,open,5\nd6,r1,2024-01-01,,"op\nen",5\nd7,r1,not a day,,open,5\n'
    export.write("deals.csv", DEALS + rows)
    export.load()
    with open_store(export.store) as store:
        found = store.connection.con.execute(
            f"select reason, line, source_row from {QUARANTINE_TABLE} where \"table\" = 'deals' order by line"
        ).fetchall()
    assert [(line, row.split('"')[3]) for _, line, row in found] == [(6, "d5"), (7, "d6"), (9, "d7")]
    assert "outcome is none of open, won, lost" in found[1][0]


def test_dates_in_two_formats(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("2024-02-01", "01/02/2024"))
    (reason,) = refused(export)
    assert reason.startswith("deals: created_on is not a date")
    assert "strptime(created_on, '%d/%m/%Y')" in reason
    assert [row[0] for row in deals_in(export.store)] == ["d1", "d3", "d4"]


@pytest.mark.parametrize(
    "value", ["-", '"1,234.50"', '"1.234,50"', "$5", "inf", "nan", "five", "99999999999999999"]
)
def test_numbers_that_are_none(export: Export, value: str) -> None:
    export.write("deals.csv", DEALS.replace("1000.50", value))
    (reason,) = refused(export)
    assert reason.startswith("deals: amount is not a number (take signs and separators out in the spec")


def test_the_mend_for_numbers_works(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("1000.50", '"1,000.50"').replace("300", "-"))
    export.write_spec(SPEC.replace("amount: value", "amount: \"nullif(replace(value, ',', ''), '-')\""))
    assert not export.load().refusals
    assert [row[1] for row in deals_in(export.store)] == ["1000.50", None, None, "2000.00"]


def test_negative_and_absurd_amounts(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("1000.50", "-1000.50").replace("2000", "5e14"))
    assert refused(export) == {"deals: amount is above 10,000,000,000,000": 1}
    assert deals_in(export.store)[0][1] == "-1000.50", "a refund is a deal"


def test_closed_before_created(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("2024-03-20", "2024-01-20"))
    assert refused(export) == {"deals: closed_on is before created_on": 1}


def test_future_days(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("2024-06-30", "2024-07-02"))
    assert refused(export) == {"deals: closed_on lies after the day of the load": 1}
    export.write("deals.csv", DEALS.replace("2024-02-11", "0024-02-11"))
    assert refused(export) == {"deals: created_on is not between 1900 and 2200": 1}


def test_open_and_closed_contradict(export: Export) -> None:
    export.write(
        "deals.csv", DEALS.replace("2024-03-01,won", ",won").replace("2024-03-20,lost", "2024-03-20,open")
    )
    assert sorted(refused(export)) == [
        "deals: a won or lost deal has no closed_on",
        "deals: an open deal has a closed_on; an expected day belongs in expected_close_on",
    ]


def test_one_key_twice(export: Export) -> None:
    export.write("deals.csv", DEALS + "d1,r2,2024-01-10,,open,7\n")
    assert refused(export) == {"deals: deal_id stands twice; the first row was kept": 1}
    assert deals_in(export.store)[0][4] == "won"


def test_missing_id_and_owner(export: Export) -> None:
    export.write("deals.csv", DEALS + ",r1,2024-01-10,,open,7\nd6,,2024-01-10,,open,7\n")
    assert refused(export) == {"deals: deal_id is missing": 1, "deals: owner_id is missing": 1}


def test_lines_with_too_few_or_too_many_fields(export: Export) -> None:
    export.write("deals.csv", DEALS + "d5,r1\nd6,r1,2024-01-01,,open,1,234\n")
    assert refused(export) == {"deals: the line has another number of fields than the header": 2}
    assert len(deals_in(export.store)) == 4


def test_a_stray_quote_does_not_cost_the_file(export: Export) -> None:
    export.write("people.csv", REPS.replace("Ann Lee", 'Ann "the Hammer" Lee') + "r3\n")
    summary = export.load()
    assert summary.rows["reps"] == 2
    assert [(r.reason, r.line) for r in summary.refusals] == [
        ("the line has another number of fields than the header", 4)
    ]


def test_all_rows_refused_is_an_error(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("2024-", "24/"))
    fails(export, SourceError, "deals.csv:2", "no row of deals can be kept", "created_on is not a date")


def test_strict(export: Export) -> None:
    export.write("deals.csv", DEALS.replace("1000.50", "-"))
    fails(export, SourceError, "deals.csv:2", "1 rows are refused", "amount is not a number", strict=True)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 100_000,
        "<script>alert(1)</script>",
        'Ann "the Hammer" O\'Lee; drop table deals',
        "two\nlines\r\nthree",
        "\u202eeeL nnA\u202c",
        "../../etc/passwd",
        "=HYPERLINK(1)",
        "名前 😀 اسم",
    ],
)
def test_names_arrive_as_they_are(export: Export, name: str) -> None:
    field = '"' + name.replace('"', '""') + '"'
    export.write("people.csv", REPS.replace("Ann Lee", field))
    assert not export.load().refusals
    with open_store(export.store) as store:
        kept = store.connection.con.execute("select name from reps where rep_id = 'r1'").fetchone()
    assert kept == (name,)


def test_ids_are_not_longer_than_a_file_name(export: Export) -> None:
    export.write("people.csv", REPS + "r" * 256 + ",Cy\n")
    assert refused(export) == {"reps: rep_id is longer than 255 characters": 1}


# Whole tables

TEAMS = """\
  teams: {from: teams.csv}
  team_members: {from: members.csv}
  quotas: {from: quotas.csv}
"""


def test_whole_table_rules(export: Export) -> None:
    export.write_spec(SPEC + TEAMS)
    export.write("teams.csv", "team_id,parent_team_id\na,b\nb,a\nc,\nd,nobody\n")
    export.write(
        "members.csv",
        "rep_id,team_id,valid_from,valid_to\nr1,c,,2024-01-31\nr1,d,2024-02-01,\nr2,c,2024-01-01,\nr2,d,2024-03-01,\n",
    )
    export.write(
        "quotas.csv",
        "owner_kind,owner_id,kind,starts_on,ends_on,amount\n"
        "rep,r1,individual,2024-01-01,2024-03-31,100\nrep,r1,individual,2024-03-01,2024-12-31,100\n"
        "rep,r1,roll_up,2024-01-01,2024-12-31,100\nrep,r7,individual,2024-01-01,2024-03-31,100\n"
        "team,c,individual,2024-01-01,2024-03-31,-1\n",
    )
    summary = export.load()
    assert {(r.table, r.reason.split(";")[0], r.rows) for r in summary.refusals} == {
        ("teams", "the team is above itself", 2),
        ("team_members", "the rep is in two teams at once", 1),
        ("quotas", "overlaps another quota of the same owner", 1),
        ("quotas", "owner_id names nothing in reps", 1),
        ("quotas", "amount is below 0", 1),
    }
    assert any("teams.parent_team_id" in notice and "'nobody'" in notice for notice in summary.notices)


# Stores


def test_locked_store(export: Export) -> None:
    from filelock import FileLock

    with FileLock(export.store.with_name(export.store.name + ".lock")):
        fails(export, StoreError, "another ingest is writing this store")


def test_missing_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store here.*spm ingest"):
        open_store(tmp_path / "none.duckdb")


@pytest.mark.parametrize("content", [b"", b"not a database", b"\x00" * 20_000])
def test_corrupt_store(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        open_store(path)
    assert "spm ingest" in str(caught.value)


def test_truncated_store_is_replaced_and_kept_aside(export: Export) -> None:
    export.store.write_bytes(export.store.read_bytes()[:5000])
    damaged = export.store.read_bytes()
    summary = export.load()
    assert any("could not be read" in notice for notice in summary.notices)
    assert export.store.with_name("store.duckdb.damaged").read_bytes() == damaged
    assert len(deals_in(export.store)) == 4


def test_some_other_duckdb_file(tmp_path: Path) -> None:
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t (a int)")
    with pytest.raises(StoreError, match="is not a store"):
        open_store(path)


def test_store_of_a_newer_schema_is_neither_read_nor_replaced(export: Export) -> None:
    with duckdb.connect(str(export.store)) as connection:
        connection.execute(f"update {META_TABLE} set schema_version = 99")
    with pytest.raises(StoreError, match=r"schema 99.*Update spm_lib"):
        open_store(export.store)
    fails(export, StoreError, "schema 99", "Update spm_lib")


def test_store_open_for_writing_elsewhere(export: Export) -> None:
    import subprocess

    code = f"import duckdb, sys; c = duckdb.connect({str(export.store)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match="another program has this store open"):
            open_store(export.store)
        other.communicate("")
    assert len(deals_in(export.store)) == 4


def test_store_that_is_a_folder(export: Export) -> None:
    with pytest.raises(StoreError, match="this is a folder"):
        ingest(export.spec, export.folder, now=NOW)


def test_times_with_offsets_fall_on_the_day_of_the_source(tmp_path: Path) -> None:
    """A deal closed on the period's last second in another time zone."""
    spec = SPEC.replace("path: export", "path: export\ntimezone: America/New_York")
    deals = DEALS.replace("2024-03-01,won", "2024-04-01T03:59:59Z,won").replace(
        "2024-06-30,won", "2024-06-30T23:59:59,won"
    )
    export = Export(tmp_path, spec, {"deals.csv": deals})
    assert not export.load(now=dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)).refusals
    closed = {row[0]: row[3] for row in deals_in(export.store)}
    assert closed["d1"] == dt.date(2024, 3, 31)
    assert closed["d4"] == dt.date(2024, 6, 30)
