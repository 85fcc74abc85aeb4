"""The people of a store, found by id or by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from spm_lib.data.roster import Rep, read_roster
from spm_lib.data.store import Store
from spm_lib.errors import UnknownNameError, did_you_mean, one_line


@dataclass(frozen=True)
class People:
    """Everybody who was hired up to a day.

    Parameters
    ----------
    day
        The day.
    by_id
        The people by id.
    """

    day: dt.date
    by_id: Mapping[str, Rep]

    def called(self, text: str) -> Rep:
        """Give the one person whose id is `text`, or else whose name is, in whatever case.

        Raises
        ------
        UnknownNameError
            Where there is nobody, with the nearest id or name; or several of that name, with their ids.
        """
        asked = text.strip()
        if asked in self.by_id:
            return self.by_id[asked]
        found = [p for p in self.by_id.values() if _folded(p.name) == _folded(asked)]
        shown = one_line(asked, 80)
        if not found:
            known = [*self.by_id, *(p.name for p in self.by_id.values())]
            what = f"there is no rep '{shown}' as of {self.day}, the last day of the data"
            raise UnknownNameError(what, mend=did_you_mean(asked, known))
        if len(found) > 1:
            ids = [one_line(p.rep_id, 40) for p in found]
            what = f"{len(ids)} reps are called '{shown}': {', '.join(ids[:-1])} and {ids[-1]}"
            raise UnknownNameError(what, mend="Write the id of the one you mean")
        return found[0]


def people_of(store: Store) -> People:
    """Give the people of a store as of the last day of its data.

    Raises
    ------
    StoreError
        Where the store holds no data.
    """
    snapshot = store.as_of()
    found = read_roster(snapshot)
    hired = {key: rep for key, rep in found.items() if rep.hired_on is None or rep.hired_on <= snapshot.date}
    return People(snapshot.date, hired)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
