"""``spm feedback``: what people write is kept whole, and what cannot be kept is told, line by line."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spm_lib import cli
from spm_lib.cli import feedback as commands
from spm_lib.data.coaching_ledger import CoachingLedger
from spm_lib.data.ledger import ledger_path
from spm_lib.data.store import Store

from .data.test_ingest import write_excel

TODAY = dt.date(2026, 8, 17)
LAST = dt.date(2026, 8, 14)
HEAD = "rep_id,lever,action,review_on,agreed_on\n"
PEOPLE = (
    {"rep_id": "r-1", "name": "Zoë Óg"},
    {"rep_id": "r-2", "name": "Ann Lee"},
    {"rep_id": "r-3", "name": "Ann  LEE"},
    {"rep_id": "r-4", "name": "Bo Chen", "left_on": dt.date(2026, 5, 31)},
    {"rep_id": "r-5", "name": "Last Day", "left_on": LAST},
    {"rep_id": "r-6", "name": "Next Week", "left_on": LAST + dt.timedelta(days=7)},
    {"rep_id": "r-7", "name": "Soon Here", "hired_on": LAST + dt.timedelta(days=1)},
    {"rep_id": "r-8", "name": "[red]<b>Ed</b>"},
    {"rep_id": "7", "name": None},
    {"rep_id": "r-9", "name": "Late Joiner", "hired_on": dt.date(2026, 8, 3), "manager_id": "r-8"},
)


@dataclass
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        return json.loads(self.out)


@dataclass
class Spm:
    """The command line on one store, in this process, on a day that stands still."""

    store: Path
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str, today: dt.date = TODAY) -> Ran:
        now = dt.datetime.combine(today, dt.time(9), dt.UTC)
        self.monkeypatch.setattr(commands, "now", lambda: now)
        self.monkeypatch.setattr(sys, "argv", ["spm", "feedback", *words, "--store", str(self.store)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            sys.exit(0)
        out, err = self.capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    def add(self, rep: str = "r-1", today: dt.date = TODAY, **options: str) -> Ran:
        given = {"lever": "win_rate", "action": "Call", "review": "2026-09-01", **options}
        return self(
            "add", rep, *(f"--{name}={value}" for name, value in given.items()), "--json", today=today
        )

    def sheet(self, text: str | bytes, name: str = "agreed.csv") -> str:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def load(self, text: str | bytes, *words: str, today: dt.date = TODAY) -> Ran:
        return self("load", self.sheet(text), *words, today=today)

    def listed(self) -> list[dict[str, Any]]:
        told = self("list", "--json").told
        assert isinstance(told, list)
        return told


@pytest.fixture
def spm(
    make_store: Callable[..., Store],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Spm:
    deals = [{"deal_id": "a", "owner_id": "r-1", "outcome": "open", "created_on": LAST}]
    made = make_store(reps=PEOPLE, deals=deals)
    made.close()
    monkeypatch.setenv("COLUMNS", "200")
    return Spm(made.path, tmp_path, monkeypatch, capsys)


def mistake(ran: Ran, *words: str) -> None:
    assert ran.code == 2, ran
    lines = ran.err.strip().splitlines()
    assert len(lines) == 1, ran.err
    for word in words:
        assert word in lines[0], lines[0]


# One at a time


def test_what_is_added_is_listed_as_it_was_given(spm: Spm) -> None:
    action = "Ask “why now?” 'twice'; =1+1 [red]<b>&\u200f é 🙂"
    done = spm(
        "add", "r-1", "--lever", "stage_conversion", "--action", f"  {action} ", "--review", "2026-09-01"
    )
    assert done.code == 0, done.err
    assert done.out.startswith(
        "Recorded as 1: Zoë Óg, stage conversion: “Ask “why now?” 'twice'; =1+1 [red]<b>& é 🙂”"
    )
    assert "agreed on 2026-08-17, review on 2026-09-01" in done.out
    (row,) = spm.listed()
    assert row.pop("made_at").endswith("+00:00")
    assert row == {
        "agreement_id": 1,
        "rep_id": "r-1",
        "rep_name": "Zoë Óg",
        "lever": "stage_conversion",
        "action": action,
        "agreed_on": "2026-08-17",
        "review_on": "2026-09-01",
    }
    assert "[red]<b>& é" in spm("list").out


def test_agreed_is_today_unless_told(spm: Spm) -> None:
    assert spm.add().told["agreed_on"] == "2026-08-17"
    assert spm.add(agreed="2026-08-10").told["agreed_on"] == "2026-08-10"
    assert spm.add(agreed="2026-08-17", review="2026-08-17", action="Today").code == 0


def test_feedback_after_the_last_day_of_the_data_says_when_it_is_shown(spm: Spm) -> None:
    add = ("add", "r-1", "--lever=win_rate", "--review=2026-09-01")
    late = spm(*add, "--action=Call")
    assert "Reports as of 2026-08-17 or later show it; the data in this store end on 2026-08-14." in late.out
    assert "Reports as of" not in spm(*add, "--action=Ask", "--agreed=2026-08-14").out


@pytest.mark.parametrize(
    ("asked", "rep_id"),
    [("r-1", "r-1"), (" zoë   ÓG ", "r-1"), ("r-2", "r-2"), ("7", "7"), ("last day", "r-5"), ("r-6", "r-6")],
)
def test_a_rep_is_named_by_id_or_name(spm: Spm, asked: str, rep_id: str) -> None:
    done = spm.add(asked)
    assert done.code == 0, done.err
    assert done.told["rep_id"] == rep_id


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("Zoe Og", ("there is no rep 'Zoe Og' as of 2026-08-14", "Did you mean 'Zoë Óg'?")),
        ("R-9", ("there is no rep 'R-9'", "Did you mean 'r-")),
        ("ann lee", ("2 reps are called 'ann lee': r-2 and r-3", "Write the id")),
        ("r-4", ("Bo Chen (r-4) has left: the last day of work was 2026-05-31",)),
        ("bo chen", ("Bo Chen (r-4) has left: the last day of work was 2026-05-31",)),
        ("Soon Here", ("there is no rep 'Soon Here' as of 2026-08-14",)),
        ("  ", ("the rep is missing", "Write an id or a name")),
        ("\ud800", ("there is no rep ''",)),
    ],
)
def test_a_rep_who_cannot_be_meant(spm: Spm, asked: str, words: tuple[str, ...]) -> None:
    mistake(spm.add(asked), *words)
    assert not ledger_path(spm.store).exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lever": "winrate"}, ("there is no lever 'winrate'", "Did you mean 'win_rate'?")),
        ({"action": "  "}, ("the action is empty",)),
        ({"action": "a\nb"}, ("the action holds line breaks or control characters", "on one line")),
        ({"action": "a\x1b[2J"}, ("control characters",)),
        ({"action": "a\u2028b"}, ("line breaks",)),
        ({"action": "a\udcff"}, ("control characters",)),
        ({"review": "1.9.2026"}, ("the review: '1.9.2026' is not a date", "yyyy-mm-dd")),
        ({"review": "2026-02-30"}, ("the review: there is no day 2026-02-30",)),
        ({"review": ""}, ("the review: '' is not a date",)),
        ({"agreed": "soon"}, ("the day of agreement: 'soon' is not a date",)),
        ({"review": "2026-08-16"}, ("the review, 2026-08-16, lies before the day of agreement, 2026-08-17",)),
        ({"agreed": "2026-08-18"}, ("the day of agreement, 2026-08-18, is yet to come", "up to 2026-08-17")),
        (
            {"agreed": "0001-01-01"},
            ("the day of agreement, 0001-01-01, lies more than five years back", "the year"),
        ),
        ({"review": "9999-12-31"}, ("the review, 9999-12-31, lies more than two years after", "the year")),
    ],
)
def test_mistakes_are_told_in_one_line(spm: Spm, options: Mapping[str, str], words: tuple[str, ...]) -> None:
    mistake(spm.add(**options), *words)
    assert not ledger_path(spm.store).exists()


def test_nothing_is_agreed_before_somebody_is_hired(spm: Spm) -> None:
    words = ("2026-08-02, lies before Late Joiner (r-9) was hired, on 2026-08-03", "later day")
    mistake(spm.add("r-9", agreed="2026-08-02"), *words)
    assert spm.add("r-9", agreed="2026-08-03").code == 0


def test_old_agreements_of_years_ago_can_be_loaded_again(spm: Spm) -> None:
    ledger = CoachingLedger(ledger_path(spm.store))
    old, made = dt.date(2012, 5, 1), dt.datetime(2012, 5, 1, tzinfo=dt.UTC)
    ledger.agree("r-1", "win_rate", "Call", old, dt.date(2012, 6, 1), made)
    assert (
        spm.load(HEAD + "r-1,win_rate,Call,2012-06-01,2012-05-01\n").out
        == "0 recorded, 1 recorded already.\n"
    )
    assert "five years back" in spm.load(HEAD + "r-1,win_rate,Ask,2012-06-01,2012-05-01\n").err


def test_somebody_in_no_team_is_refused_where_there_are_teams(
    spm: Spm, make_store: Callable[..., Store]
) -> None:
    made = make_store(
        reps=PEOPLE,
        deals=[{"deal_id": "a", "owner_id": "r-1", "outcome": "open", "created_on": LAST}],
        teams=[{"team_id": "t", "name": "T"}],
        team_members=[
            {"rep_id": "r-1", "team_id": "t", "valid_from": dt.date(2026, 1, 1)},
            {"rep_id": "r-2", "team_id": "t", "valid_to": dt.date(2026, 8, 1)},
        ],
    )
    made.close()
    spm.store = made.path
    assert spm.add("r-1").code == 0
    for who in ("r-2", "r-8"):
        mistake(
            spm.add(who),
            f"({who}) is in no team on 2026-08-14, so no report would show it",
            "member of a team",
        )
    ran = spm.load(HEAD + "r-8,win_rate,Call,2026-09-01,\n" + GOOD)
    assert ran.out.startswith("1 recorded, 1 refused.") and "is in no team" in ran.err


@pytest.mark.parametrize(
    ("action", "named"),
    [
        ("Call the buyer with Bo Chen.", ["Bo Chen"]),
        ("Shadow “Zoë Óg”, then r-2", ["Zoë Óg", "r-2"]),
        ("Ask [red]<b>Ed</b>, your manager", []),
        ("Ask Late Joiner, bo chen or Chen about 7 deals", []),
    ],
)
def test_an_action_that_names_a_colleague_is_kept_and_that_is_told(
    spm: Spm, action: str, named: list[str]
) -> None:
    told = spm.add("r-9", action=action)
    assert (told.code, told.told["names"]) == (0, named)
    ran = spm("add", "r-9", "--lever=discount", f"--action={action}", "--review=2026-09-01")
    lines = [line for line in ran.out.splitlines() if line.startswith("Mind")]
    assert len(lines) == bool(named)
    for name in named:
        assert name in lines[0] and "held back" in lines[0] and "spm feedback remove 2" in lines[0]
    quoted = action.replace('"', '""')
    ran = spm.load(HEAD + GOOD + f'r-9,slippage,"{quoted}",2026-09-01,\n')
    assert ("names a colleague in line 3" in ran.out) == bool(named)


def test_a_long_action_is_cut_and_that_is_told(spm: Spm) -> None:
    done = spm("add", "r-1", "--lever=win_rate", f"--action={'x' * 501}", "--review=2026-09-01")
    assert "Mind: the action was cut to 500 characters." in done.out
    assert spm.listed()[0]["action"] == "x" * 500
    whole = spm("add", "r-1", "--lever=win_rate", f"--action={'y' * 500}", "--review=2026-09-01")
    assert "Mind" not in whole.out
    assert spm.listed()[1]["action"] == "y" * 500


def test_the_same_again_is_not_added_twice(spm: Spm) -> None:
    first = spm.add().told
    assert first.pop("new")
    again = spm.add("Zoë Óg", today=TODAY + dt.timedelta(days=3)).told
    assert not again.pop("new")
    assert again == first
    assert spm.add(agreed="2026-08-16").told["new"], "another day that is named is another agreement"
    mistake(
        spm.add(review="2026-10-01"), "in the ledger already, as 1, with its review on 2026-09-01", "remove 1"
    )
    assert len(spm.listed()) == 2


def test_list_of_one_rep(spm: Spm) -> None:
    spm.add("r-1")
    spm.add("r-8", action="Ask")
    assert [row["rep_id"] for row in spm("list", "--rep", "zoë óg", "--json").told] == ["r-1"]
    assert spm("list", "--rep", "r-2", "--json").told == []
    assert "There is no feedback for r-2 yet" in spm("list", "--rep", "r-2").out
    assert "[red]<b>Ed</b>" in spm("list").out
    mistake(spm("list", "--rep", "Zoe Og"), "there is no rep 'Zoe Og'", "Did you mean")


def test_feedback_of_somebody_who_is_not_in_the_store_any_more_is_listed(spm: Spm) -> None:
    ledger = CoachingLedger(ledger_path(spm.store))
    made = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    ledger.agree("gone", "an old lever", "Call", LAST, TODAY, made)
    assert "an old lever" in spm("list").out
    (row,) = spm("list", "--rep", "gone", "--json").told
    assert (row["rep_id"], row["rep_name"]) == ("gone", None)


def test_remove(spm: Spm) -> None:
    assert "There is no feedback yet" in spm("list").out
    spm.add()
    spm.add(action="Ask")
    done = spm("remove", "1")
    assert done.out.startswith("Removed 1: Zoë Óg, win rate: “Call”")
    assert [row["agreement_id"] for row in spm.listed()] == [2]
    for number in ("1", "3", "99999999999999999999"):
        mistake(spm("remove", number), f"there is no feedback {number}", "spm feedback list")
    assert spm.add().told["agreement_id"] == 3


def test_without_a_store_or_with_another_file_for_a_ledger(spm: Spm, tmp_path: Path) -> None:
    ledger_path(spm.store).write_bytes(b"something else" * 100)
    for ran in (
        spm.add(),
        spm("list"),
        spm("remove", "1"),
        spm.load(HEAD + "r-1,win_rate,Call,2026-09-01,\n"),
    ):
        mistake(ran, "this is no ledger, or it is damaged", "Move it away", "feedback cannot")
    spm.store = tmp_path / "no.duckdb"
    mistake(spm("list"), "there is no store here")


# Sheets

GOOD = "r-1,win_rate,Call the buyer,2026-09-01,2026-08-10\n"

BAD = {
    "r-99,win_rate,Call,2026-09-01,": "there is no rep 'r-99' as of 2026-08-14",
    "Ann Lee,win_rate,Call,2026-09-01,": "2 reps are called 'Ann Lee': r-2 and r-3",
    "r-4,win_rate,Call,2026-09-01,": "Bo Chen (r-4) has left: the last day of work was 2026-05-31",
    ",win_rate,Call,2026-09-01,": "the rep is missing",
    "r-2,winrate,Call,2026-09-01,": "there is no lever 'winrate'. Did you mean 'win_rate'?",
    "r-2,,Call,2026-09-01,": "there is no lever ''. Known: ",
    "r-2,win_rate, ,2026-09-01,": "the action is empty",
    'r-2,win_rate,"a\nb",2026-09-01,': "the action holds line breaks or control characters",
    "r-2,win_rate,Call,,": "the review: '' is not a date",
    "r-2,win_rate,Call,01/09/2026,": "the review: '01/09/2026' is not a date",
    "r-2,win_rate,Call,2026-09-01,2026-02-30": "the day of agreement: there is no day 2026-02-30",
    "r-2,win_rate,Call,2026-08-01,2026-08-02": "the review, 2026-08-01, lies before the day of agreement, 2026-08-02",
    "r-2,win_rate,Call,2026-09-01,2026-08-18": "the day of agreement, 2026-08-18, is yet to come",
    "r-1,win_rate,Call the buyer,2026-10-01,2026-08-10": "line 2 holds the same agreement",
    "r-2,win_rate,Call, me,2026-09-01,": "the line has another number of cells than the header",
    "r-2,win_rate,Call": "the line has another number of cells than the header",
}


@pytest.mark.parametrize(("row", "why"), BAD.items())
def test_a_bad_row_is_told_with_its_line_and_the_good_ones_are_kept(spm: Spm, row: str, why: str) -> None:
    last = "7,discount,Ask,2026-09-02,\n"
    ran = spm.load(HEAD + GOOD + "\n" + row + "\n" + last)
    assert ran.code == 1
    (line,) = ran.err.strip().splitlines()
    assert line.startswith(f"{spm.folder / 'agreed.csv'}:4: {why}"), line
    assert ran.out.splitlines() == [
        "2 recorded, 1 refused.",
        "Mend these lines and load the file again: what is recorded is not recorded twice.",
    ]
    assert [(one["rep_id"], one["lever"]) for one in spm.listed()] == [("r-1", "win_rate"), ("7", "discount")]


def test_all_bad_rows_at_once_each_with_its_line(spm: Spm) -> None:
    rows = [GOOD.strip(), *BAD]
    ran = spm.load(HEAD + "\n".join(rows), "--json")
    assert ran.code == 1
    assert len(ran.told["recorded"]) == 1
    # One of the rows stands on two lines.
    at, lines = 2, []
    for row in rows:
        lines.append(at)
        at += row.count("\n") + 1
    refused = ran.told["refused"]
    assert [row["line"] for row in refused] == lines[1:]
    assert all(row["why"].startswith(why) for row, why in zip(refused, BAD.values(), strict=True))


def test_a_sheet_that_was_mended_is_loaded_again_on_another_day(spm: Spm) -> None:
    first = spm.load(HEAD + "r-1,win_rate,Call,2026-09-01,\nr-2,winrate,Ask,2026-09-01,\n", "--json")
    assert (first.code, len(first.told["recorded"])) == (1, 1)
    mended = HEAD + "r-1,win_rate,Call,2026-09-01,\nr-2,win_rate,Ask,2026-09-01,\n"
    again = spm.load(mended, today=TODAY + dt.timedelta(days=1))
    assert (again.code, again.out, again.err) == (0, "1 recorded, 1 recorded already.\n", "")
    assert [(row["rep_id"], row["agreed_on"]) for row in spm.listed()] == [
        ("r-1", "2026-08-17"),
        ("r-2", "2026-08-18"),
    ]


def test_a_sheet_is_loaded_again_though_somebody_has_left_since(spm: Spm) -> None:
    ledger = CoachingLedger(ledger_path(spm.store))
    made = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    ledger.agree("r-4", "win_rate", "Call", dt.date(2026, 5, 1), dt.date(2026, 6, 1), made)
    ran = spm.load(HEAD + "r-4,win_rate,Call,2026-06-01,2026-05-01\nr-4,win_rate,Ask,2026-06-01,2026-05-01\n")
    assert (ran.code, ran.out.splitlines()[0]) == (1, "0 recorded, 1 recorded already, 1 refused.")
    assert ":3: Bo Chen (r-4) has left" in ran.err


def test_empty_columns_at_the_end_are_no_columns(spm: Spm) -> None:
    ran = spm.load(
        HEAD.strip() + ",,\nr-1,win_rate,Call,2026-09-01,,,\nr-1,win_rate,Ask,2026-09-01,,, more\n,,,,,,\n"
    )
    assert ran.out.splitlines()[0] == "1 recorded, 1 refused."
    assert ":3: the line has another number of cells" in ran.err


def test_another_review_of_what_is_in_the_ledger_is_refused(spm: Spm) -> None:
    spm.load(HEAD + GOOD)
    ran = spm.load(HEAD + GOOD.replace("2026-09-01", "2026-10-01"))
    assert ran.code == 1
    assert ":2: this is in the ledger already, as 1, with its review on 2026-09-01" in ran.err
    assert "spm feedback remove 1" in ran.err
    assert ran.out.startswith("0 recorded, 1 refused.")
    assert spm.listed()[0]["review_on"] == "2026-09-01"


def test_a_long_action_in_a_sheet_is_cut_and_that_is_told(spm: Spm) -> None:
    ran = spm.load(HEAD + GOOD + f"r-1,win_rate,{'x' * 600},2026-09-01,\n")
    assert (ran.code, ran.out) == (0, "2 recorded.\nMind: the action was cut in line 3.\n")


SHEETS = {
    "semicolons": ("a.csv", HEAD.replace(",", ";") + "r-1;win_rate;Call, then ask é;2026-09-01;\n", ()),
    "tabs": ("a.tsv", HEAD.replace(",", "\t") + "r-1\twin_rate\tCall, then ask é\t2026-09-01\t\n", ()),
    "utf-16": ("a.csv", (HEAD + 'r-1,win_rate,"Call, then ask é",2026-09-01,\n').encode("utf-16"), ()),
    "utf-8 with a mark": (
        "a.csv",
        (HEAD + 'r-1,win_rate,"Call, then ask é",2026-09-01,\n').encode("utf-8-sig"),
        (),
    ),
    "cp1252": (
        "a.csv",
        (HEAD + 'r-1,win_rate,"Call, then ask é",2026-09-01,\r\n').encode("cp1252"),
        ("--encoding", "cp1252"),
    ),
    "a delimiter of its own": (
        "a.csv",
        HEAD.replace(",", "~") + "r-1~win_rate~Call, then ask é~2026-09-01~\n",
        ("--delimiter", "~"),
    ),
    "no day of agreement": (
        "a.csv",
        'Action,REP_ID,review_on,lever\n"Call, then ask é",r-1,2026-09-01,win_rate\n',
        (),
    ),
    "a name": ("a.csv", HEAD + 'zoë óg,win_rate,"Call, then ask é",2026-09-01,2026-08-17\n', ()),
}


@pytest.mark.parametrize("kind", SHEETS)
def test_sheets_of_any_make(spm: Spm, kind: str) -> None:
    name, content, options = SHEETS[kind]
    ran = spm("load", spm.sheet(content, name), *options, "--json")
    assert ran.code == 0, ran.out + ran.err
    (row,) = ran.told["recorded"]
    assert (row["rep_id"], row["action"], row["review_on"], row["agreed_on"]) == (
        "r-1",
        "Call, then ask é",
        "2026-09-01",
        "2026-08-17",
    )


def test_a_workbook(spm: Spm) -> None:
    book = spm.folder / "a.xlsx"
    rows = "rep_id,lever,action,review_on\nr-1,win_rate,Call é,2026-09-01\n7,win_rat,Call,2026-09-01\n"
    write_excel(book, rows, "Agreed")
    mistake(spm("load", f"{book}#Agred"), "there is no sheet 'Agred'", "Did you mean 'Agreed'?")
    ran = spm("load", f"{book}#Agreed")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "a.xlsx#Agreed:3: there is no lever 'win_rat'" in ran.err
    (row,) = spm.listed()
    assert (row["rep_id"], row["action"], row["review_on"]) == ("r-1", "Call é", "2026-09-01")
    # A number in a cell is an id all the same.
    write_excel(book, rows.replace("win_rat,", "win_rate,"), "Agreed")
    assert spm("load", str(book)).out == "1 recorded, 1 recorded already.\n"
    assert spm.listed()[1]["rep_id"] == "7"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("the file is empty",)),
        ("rep_id,lever,action\nr-1,win_rate,Call\n", (":1: there is no column review_on", "agreed_on")),
        (
            HEAD.replace("agreed_on", "agreed_onn"),
            ("feedback has no column 'agreed_onn'", "Did you mean 'agreed_on'?"),
        ),
        (HEAD.replace(",", "~"), ("feedback has no column 'rep_id~lever", "--delimiter ';'")),
        (HEAD.replace("agreed_on", "Lever"), ("the column 'Lever' stands twice",)),
        (
            (HEAD + "r-1,win_rate,é,2026-09-01,\n").encode("cp1252"),
            (":2: byte 0xe9 is not UTF-8", "--encoding cp1252"),
        ),
        (b"PK\x03\x04", ("the content is an Excel or zip file",)),
    ],
)
def test_a_sheet_that_cannot_be_read_is_told_in_one_line(
    spm: Spm, content: str | bytes, words: tuple[str, ...]
) -> None:
    mistake(spm.load(content), "agreed.csv", *words)
    assert not ledger_path(spm.store).exists()


def test_files_that_are_no_sheet(spm: Spm) -> None:
    spm.sheet(HEAD)
    mistake(
        spm("load", str(spm.folder / "agred.csv")), "there is no file agred.csv", "Did you mean 'agreed.csv'?"
    )
    mistake(spm("load", str(spm.folder / "none" / "a.csv")), "there is no file a.csv", "Check the path")
    mistake(
        spm("load", str(spm.folder / ("a" * 300 + ".csv"))), "the file cannot be read: File name too long"
    )
    mistake(spm("load", spm.sheet("{}", "a.jsonl")), "feedback is read from text or Excel", "Save it as CSV")
    mistake(spm("load", spm.sheet("x", "a.doc")), "'.doc' files cannot be read")
    for bad in ("ab", '"'):
        mistake(spm.load(HEAD, "--delimiter", bad), "a delimiter is one character")
    mistake(spm.load(HEAD, "--encoding", "utf-99"), "there is no encoding 'utf-99'")


def test_a_sheet_without_rows(spm: Spm) -> None:
    ran = spm.load(HEAD + ",,,,\n\n")
    assert (ran.code, ran.out) == (0, "0 recorded.\n")


def test_the_command_line_starts_without_what_computes() -> None:
    code = "import sys, spm_lib.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pandas", "numpy", "ibis", "duckdb", "sklearn"} & set(done.stdout.split())
