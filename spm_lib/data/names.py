"""Names and ids of teams, people, deals and accounts, and which teams or people may read of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spm_lib.data.slices import BOUGHT, OWNERS, RELATIONS
from spm_lib.data.store import open_store

#: As long as names are shown; a longer one is cut, so only its whole words within that are sought.
SHOWN = 59

_WORDS = r"regexp_split_to_array(trim(regexp_replace(text, '[^\p{L}\p{N}]+', ' ', 'g')), ' ')"

#: The names of which the first word and then, as that is dearer to find, the first two words are on a page.
_NAMED = (
    """
select kind, id, name, words from (
    select kind, id, name, """
    + _WORDS
    + f""" as words from (
        select kind, id, name, case when length(name) > {SHOWN + 1}
            then regexp_replace(left(name, {SHOWN}), '\\S*$', '') else name end as text
        from (
            select 'team' as kind, team_id as id, unnest([team_id, name]) as name from teams
            union all select 'person', rep_id, unnest([rep_id, name]) from reps
            union all select 'deal', deal_id, deal_id from deals
            union all select 'deal', deal_id, name from deals where name <> deal_id
            union all select 'account', account_id, unnest([account_id, name]) from accounts
        ) where regexp_extract(name, '[\\p{{L}}\\p{{N}}]+') in (select unnest($beginnings))
    )
) where array_to_string(words[1:2], ' ') in (select unnest($beginnings))
"""
)

#: Over nothing but the deals in question: over all of them it takes longer than all the rest.
_RELEVANT = """
wanted as materialized (
    select id as deal_id from named where kind = 'deal'
    union select deal_id from main.deals where account_id in (select id from named where kind = 'account')
    union select deal_id from main.deal_changes where field = 'account_id'
        and list_has_any([old_value, new_value], (select list(id) from named where kind = 'account'))
),
deals as materialized (select * from main.deals where deal_id in (select deal_id from wanted)),
deal_changes as materialized (select * from main.deal_changes where deal_id in (select deal_id from wanted))
"""

#: A rep reads of the deals that the rep owned at any time or had an activity on, and of their accounts.
_OF_REPS = f"""
{OWNERS},
reach as materialized (
    select deal_id, owner_id as rep_id from owners
    union select deal_id, rep_id from activities where deal_id in (select deal_id from wanted)
),
{BOUGHT},
customers as (select distinct rep_id, account_id from bought join reach using (deal_id))
"""

#: Who may read of what is named, by kind: a column of each relation.
_OF_TEAM = {"team": "n.id", "person": "p.team_id", "deal": "r.team_id", "account": "c.team_id"}
_OF_REP = {"team": "null", "person": "p.rep_id", "deal": "r.rep_id", "account": "c.rep_id"}
_FOUND = """
select kind, any_value(name), array_to_string(any_value(words), ' ') as words, list(distinct reader) from (
    select n.*, {team} as reader from named n where kind = 'team'
    union all select n.*, {person} from named n left join {people} p on p.rep_id = n.id where kind = 'person'
    union all select n.*, {deal} from named n left join reach r on r.deal_id = n.id where kind = 'deal'
    union all select n.*, {account} from named n left join customers c on c.account_id = n.id where kind = 'account'
) group by kind, id, name order by all
"""

Readers = Literal["teams", "reps"]

_QUERIES: dict[Readers, str] = {
    "teams": f"{RELATIONS} {_FOUND.format(people='people', **_OF_TEAM)}",
    "reps": f"{_OF_REPS} {_FOUND.format(people='reps', **_OF_REP)}",
}

#: What all teams' reports may say alike.
_COMMON = """
select distinct name from (
    select name from products union all select product_id from products
    union all select stage from stages union all select pipeline from stages
    union all select source from deals union all select pipeline from deals
) where name is not null
"""


@dataclass(frozen=True)
class Named:
    """One name or id.

    Parameters
    ----------
    kind
        ``team``, ``person``, ``deal`` or ``account``.
    name
        As it stands in the store.
    words
        Its words, with one space between.
    readers
        Ids of the teams, or of the reps, that may read of it; of a team itself alone, and no rep.
    """

    kind: str
    name: str
    words: str
    readers: frozenset[str]


def find_names(
    store: Path, beginnings: Iterable[str], readers: Readers = "teams"
) -> tuple[list[Named], list[str]]:
    """Find the names of which the first word, or the first two of several, are given.

    Parameters
    ----------
    store
        The store's file.
    beginnings
        Single words and pairs of words.
    readers
        Whether to tell which teams may read of them, or which reps.

    Returns
    -------
    tuple
        The names with those who may read of them, and the names of products, stages, pipelines and sources, which
        all may.

    Raises
    ------
    StoreError
        As `spm_lib.data.store.open_store`.
    """
    asked = {"beginnings": list(beginnings)}
    query = f"with named as materialized ({_NAMED}), {_RELEVANT}, {_QUERIES[readers]}"
    with open_store(store) as opened:
        rows = opened.rows(query, asked)
        common = [name for (name,) in opened.rows(_COMMON)]
    found = [Named(kind, name, words, frozenset(r for r in may if r)) for kind, name, words, may in rows]
    return found, common
