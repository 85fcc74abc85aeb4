"""Names and ids of teams, people, deals and accounts, and which teams or people may read of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb

from spm_lib.data.slices import RELATIONS
from spm_lib.data.store import NAMES_TABLE, Store
from spm_lib.errors import StoreError

#: As long as names are shown; a longer one is cut, so only its whole words within that are sought.
SHOWN = 59

#: DuckDB alone says what letters are: Python's tables are older or newer, and would take other characters for gaps.
_SPACED = r"trim(regexp_replace(text, '[^\p{L}\p{N}]+', ' ', 'g'))"

#: The words of all names. They are found by their beginning: the first word or, where there are more, the first two.
_NAMED = (
    """
named as materialized (
    select kind, id, name, array_to_string(words[1:2], ' ') as beginning, array_to_string(words, ' ') as words from (
        select kind, id, name, string_split("""
    + _SPACED
    + f""", ' ') as words from (
            select kind, id, name, case when length(name) > {SHOWN + 1}
                then regexp_replace(left(name, {SHOWN}), '\\S*$', '') else name end as text
            from (
                select 'team' as kind, team_id as id, unnest([team_id, name]) as name from teams
                union select 'person', rep_id, unnest([rep_id, name]) from reps
                union all select 'deal', deal_id, deal_id from deals
                union all select 'deal', deal_id, name from deals where name <> deal_id
                union select 'account', account_id, unnest([account_id, name]) from accounts
                union select 'shared', null, unnest([product_id, name]) from products
                union select 'shared', null, unnest([stage, pipeline]) from stages
                union select 'shared', null, unnest([source, pipeline]) from (select distinct source, pipeline from deals)
            ) where name is not null
        )
    ) where beginning <> ''
)
"""
)

#: Teams read what `RELATIONS` says; a rep reads of the deals that the rep owned at any time or had an activity on, and of
#: their accounts.
_READERS = """
touched as materialized (select deal_id, owner_id as rep_id from owners union select deal_id, rep_id from activities),
reading as (
    select 'team' as kind, team_id as id, team_id, null as rep_id from teams
    union all select 'person', rep_id, team_id, null from people
    union all select 'person', rep_id, null, rep_id from reps
    union all select 'deal', deal_id, team_id, null from reach
    union all select 'deal', deal_id, null, rep_id from touched
    union all select 'account', account_id, team_id, null from customers
    union all select 'account', account_id, null, rep_id from bought join touched using (deal_id)
),
readers as (
    select kind, id, list_sort(list(distinct team_id) filter (where team_id is not null)) as teams,
        list_sort(list(distinct rep_id) filter (where rep_id is not null)) as reps
    from reading group by kind, id
)
"""

_WRITE = f"""
create table {NAMES_TABLE} as
with {RELATIONS}, {_NAMED}, {_READERS}
select n.beginning, n.kind, n.name, n.words, coalesce(r.teams, []) as teams, coalesce(r.reps, []) as reps
from named n left join readers r using (kind, id)
"""

Readers = Literal["teams", "reps"]

#: What all reports may say alike: names of products, stages, pipelines and sources.
SHARED = "shared"


@dataclass(frozen=True)
class Named:
    """One name or id.

    Parameters
    ----------
    kind
        ``team``, ``person``, ``deal``, ``account`` or `SHARED`.
    name
        As it stands in the store.
    words
        Its words, with one space between.
    readers
        Ids of the teams, or of the reps, that may read of it; of a team itself alone, and no rep. Of what is shared all
        may, and none is named.
    """

    kind: str
    name: str
    words: str
    readers: frozenset[str]


def write_names(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the table that `find_names` reads, of a store's other tables: once, as every report is searched.

    Parameters
    ----------
    connection
        The store that is being made, with all its rows.
    """
    connection.execute(_WRITE)


def words_of(store: Store, texts: Sequence[str]) -> list[str]:
    """Give the words of texts, with one space between, as the table of names has them.

    Parameters
    ----------
    store
        Any open store: its engine says what a letter is.
    texts
        Any texts; half a character (a surrogate), which JSON may carry, counts as a gap.

    Returns
    -------
    list of str
        One for each.
    """
    whole = [text.encode("utf-8", "replace").decode() for text in texts]
    query = f"select {_SPACED} from (select unnest($texts::varchar[]) as text)"
    return [words for (words,) in store.rows(query, {"texts": whole})]


def find_names(store: Store, beginnings: Iterable[str], readers: Readers = "teams") -> list[Named]:
    """Find the names of which the first word, or the first two of several, are given.

    Parameters
    ----------
    store
        The open store.
    beginnings
        Single words and pairs of words.
    readers
        Whether to tell which teams may read of them, or which reps.

    Returns
    -------
    list of Named

    Raises
    ------
    StoreError
        Where an earlier library made the store.
    """
    query = f"""
        select kind, name, words, {readers} from {NAMES_TABLE}
        where beginning in (select unnest($beginnings)) order by kind, name
    """
    try:
        rows = store.rows(query, {"beginnings": list(beginnings)})
    except duckdb.CatalogException:
        raise StoreError(
            "the store has no table of names, as an earlier library made it",
            where=str(store.path),
            mend="Load it again: spm ingest params/sources/NAME.yml",
        ) from None
    return [Named(kind, name, words, frozenset(may)) for kind, name, words, may in rows]
