"""The table of names: who may read of each, and what finds it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.data.names import SHOWN, find_names, words_of, write_names
from spm_lib.data.store import NAMES_TABLE, Store, StoreMeta, create_tables, open_store
from spm_lib.errors import StoreError

MakeStore = Callable[..., Store]
DAY = dt.date(2026, 3, 1)


def readers(store: Store, beginning: str, who: str) -> set[str]:
    with open_store(store.path) as opened:
        found = find_names(opened, [beginning], who)  # type: ignore[arg-type]
    return set().union(*(each.readers for each in found))


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    """Ann of north sold to Acme until June; since then Bo of south has the deal, and Cy once rang there."""
    made = make_store(
        teams=[{"team_id": "north", "name": "North"}, {"team_id": "south"}, {"team_id": "idle"}],
        reps=[
            {"rep_id": "a", "name": "Ann Lee"},
            {"rep_id": "b", "name": "Bo Li"},
            {"rep_id": "c", "name": "Cy"},
        ],
        team_members=[{"rep_id": "a", "team_id": "north"}, {"rep_id": "b", "team_id": "south"}],
        accounts=[{"account_id": "acme", "name": "Acme, Inc."}],
        deals=[
            {
                "deal_id": "d1",
                "name": "Acme: renewal 2026",
                "owner_id": "b",
                "account_id": "acme",
                "outcome": "open",
                "created_on": DAY,
            }
        ],
        deal_changes=[
            {
                "deal_id": "d1",
                "field": "owner_id",
                "old_value": "a",
                "new_value": "b",
                "changed_at": dt.datetime(2026, 6, 1),
            }
        ],
        activities=[
            {"activity_id": "1", "deal_id": "d1", "rep_id": "c", "occurred_at": dt.datetime(2026, 4, 1)}
        ],
    )
    made.close()
    return made


@pytest.mark.parametrize(
    ("beginning", "teams", "reps"),
    [
        ("North", {"north"}, set()),
        ("idle", {"idle"}, set()),
        ("Ann Lee", {"north"}, {"a"}),
        ("Cy", set(), {"c"}),
        ("d1", {"north", "south"}, {"a", "b", "c"}),
        ("Acme renewal", {"north", "south"}, {"a", "b", "c"}),
        ("Acme Inc", {"north", "south"}, {"a", "b", "c"}),
        ("Acme", set(), set()),
    ],
)
def test_a_name_is_found_by_its_beginning_with_those_who_may_read_of_it(
    store: Store, beginning: str, teams: set[str], reps: set[str]
) -> None:
    assert readers(store, beginning, "teams") == teams
    assert readers(store, beginning, "reps") == reps


def test_a_store_of_an_earlier_library_is_to_be_loaded_again(store: Store) -> None:
    with duckdb.connect(str(store.path)) as connection:
        connection.execute(f"drop table {NAMES_TABLE}")
    with open_store(store.path) as opened, pytest.raises(StoreError, match=r"no table of names.*spm ingest"):
        find_names(opened, ["North"])


_connection = duckdb.connect()
create_tables(_connection)
_any_store = Store(Path("nowhere"), _connection, StoreMeta("none", dt.datetime(2026, 3, 1)))


@given(st.lists(st.text(max_size=90), min_size=1, max_size=4, unique=True))
def test_any_text_is_a_name_of_words_that_begin_it(names: list[str]) -> None:
    _connection.execute(f"drop table if exists {NAMES_TABLE}")
    _connection.execute("delete from teams")
    for number, name in enumerate(names):
        text = name.replace("\0", "")
        _connection.execute("insert into teams (team_id, name) values (?, ?)", [f"t{number}", text])
    write_names(_connection)
    found = _connection.execute(
        f"select id_, words, beginning from (select teams[1] as id_, * from {NAMES_TABLE})"
    )
    rows = found.fetchall()
    assert {f"t{number}" for number in range(len(names))} <= {words for _, words, _ in rows}
    for team, words, beginning in rows:
        assert beginning and beginning == " ".join(words.split(" ")[:2])
        assert all(words.split(" ")) and len(words) <= max(SHOWN + 1, len(team))


@given(st.text(), st.text(), st.text(alphabet=" -_.,;:!?\t\n\0\u00a0\u2013\u201c'\"", min_size=1))
def test_the_words_of_a_name_stand_among_those_of_a_page_that_says_it(
    name: str, other: str, gap: str
) -> None:
    words, page, blank = words_of(_any_store, [name, f"{other}{gap}{name}{gap}{other}", gap])
    assert f" {words} ".strip() in page and blank == ""
    assert words == " ".join(words.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Acme, Inc.", "Acme Inc"),
        ("a_b\0c", "a b c"),
        ("half a \ud800 character", "half a character"),
        # A letter since Unicode 15: Python 3.11 takes it for none, and would not find this name on a page.
        ("Wu \U00031350 & Co", "Wu \U00031350 Co"),
        ("½ Zürich 株式会社", "½ Zürich 株式会社"),
    ],
)
def test_words_are_letters_and_digits(text: str, words: str) -> None:
    assert words_of(_any_store, [text]) == [words]
