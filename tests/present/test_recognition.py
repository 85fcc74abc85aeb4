"""Wins to celebrate: sentences as they read, safe with any text, nobody ranked and nobody shamed."""

from __future__ import annotations

import datetime as dt
import unicodedata
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from spm_lib.models.recognition import COLUMNS, recognitions_of
from spm_lib.models.recognition_rules import KINDS, RecognitionRules
from spm_lib.periods import parse_period
from spm_lib.present.recognition import own_recognition_list, recognition_list
from spm_lib.press.render.parts import Words, parts_of
from spm_lib.theme import Look

from .test_every_block import ATTRIBUTES, HOSTILE, TAGS

END = dt.date(2026, 6, 30)
PERIOD = parse_period("2026-Q2", as_of=END)
LABELS = RecognitionRules().labels
DEAL = {"deal_id": "D1", "deal_name": "Renewal", "account": "Acme", "closed_on": "2026-05-20"}
QUOTA = {"value": 1.2, "n": 9, "revenue": 120_000.0, "quota": 100_000.0, "unit": "share"}
ROWS: dict[str, dict[str, Any]] = {
    "streak": QUOTA
    | {"value": 3.0, "compared_with": 1.2, "unit": "count", "since": "2025-10-01"},
    "quota_reached": QUOTA,
    "comeback": QUOTA | {"compared_with": 0.61, "compared_period": "Q1 2026"},
    "won back": DEAL | {"kind": "comeback", "value": 8_000.0, "n": 52, "since": "2026-03-29", "unit": "currency"},
    "personal_best": {"value": 120_000.0, "n": 9, "compared_with": 90_000.0, "compared_n": 7, "unit": "currency"},
    "most_improved": {"measure": "win_rate", "value": 0.5, "n": 32, "compared_with": 0.23, "compared_n": 100,
                      "compared_period": "Q2 2025 – Q1 2026", "low": 0.08, "high": 0.45, "unit": "share"},
    "more revenue": {"kind": "most_improved", "measure": "revenue", "value": 90_000.0, "n": 14,
                     "compared_with": 40_000.0, "compared_n": 11, "compared_period": "Q2 2025", "low": 9_000.0,
                     "high": 91_000.0, "unit": "currency"},
    "biggest_deal": DEAL | {"value": 88_000.0, "n": 14, "shared": 1, "compared_n": 41, "record": True, "unit": "currency"},
    "fastest_clean_cycle": DEAL | {"value": 21.0, "n": 1, "compared_with": 58.0, "compared_n": 34, "amount": 15_000.0,
                                   "unit": "days"},
    "best_help": {"value": 42.0, "n": 12, "shared": 1, "unit": "count"},
}  # fmt: skip
SAID = {
    "streak": "Streak: Quota reached 3 quarters in a row, with 120.0% in Q2 2026 ($120K of $100K, 9 deals won).",
    "quota_reached": "Quota reached: 120.0% of quota in Q2 2026 ($120K of $100K, 9 deals won).",
    "comeback": "Comeback: 120.0% of quota in Q2 2026 ($120K of $100K, 9 deals won), after 61.0% in Q1 2026.",
    "won back": "Comeback: Renewal (Acme) won for $8,000 on May 20, 2026, 52 days after it was lost.",
    "personal_best": "Personal best: $120K won in Q2 2026, more than in any of the 7 earlier quarters with a deal "
    "decided (best before: $90K).",
    "most_improved": "Most improved: Win rate of 50.0% in Q2 2026 (32 deals decided), up from 23.0% in Q2 2025 – Q1 2026 "
    "(100 deals): by 8.0 to 45.0 pts, beyond chance.",
    "more revenue": "Most improved: Revenue of $90K in Q2 2026 (14 deals won), up from $40K in Q2 2025 (11 deals): by "
    "$9,000 to $91K, beyond chance.",
    "biggest_deal": "Biggest deal: Renewal (Acme) for $88K, the largest of 14 deals won in Q2 2026, and larger than all 41 "
    "deals won before.",
    "fastest_clean_cycle": "Fastest clean deal: Renewal (Acme) for $15K, won in 21 days where such deals usually take 58 "
    "days (34 deals won lately), with no close date pushed, no stage moved back, no amount cut.",
    "best_help": "Best help: Helped colleagues on 12 deals with 42 outbound activities in Q2 2026, more than any other rep.",
}


def found(*rows: tuple[str, str], **more: Any) -> pd.DataFrame:
    """Make rows of `recognised`: a person and a key of `ROWS` each."""
    base = {"period": "Q2 2026", "period_kind": "quarter", "complete": True, "team_name": "West", "starts_on": "2026-04-01",
            "ends_on": "2026-06-30"}  # fmt: skip
    made = [{"rep_id": who, "rep_name": who, "kind": what} | base | ROWS[what] | more for who, what in rows]
    frame = pd.DataFrame(made, columns=list(COLUMNS)).astype(object)
    frame = frame.where(frame.notna(), None)
    blank = {"int64": 0, "bool": False}
    filled = {n: frame[n].fillna(blank[k]) for n, k in COLUMNS.items() if k in blank}
    return frame.assign(**filled).astype(dict(COLUMNS))


def team(frame: pd.DataFrame, **more: Any) -> Any:
    return recognition_list(frame, LABELS, PERIOD, END, **more)


def own(frame: pd.DataFrame, **more: Any) -> Any:
    return own_recognition_list(frame, LABELS, PERIOD, END, **more)


@pytest.mark.parametrize("kind", ROWS)
def test_each_kind_says_what_was_earned_with_its_numbers(kind: str) -> None:
    frame = found(("Ann", kind))
    assert team(frame).text == f"- Ann. {SAID[kind]}"
    assert own(frame).text == f"- {SAID[kind]}"


def test_every_kind_of_the_rules_has_words() -> None:
    assert {row.get("kind", name) for name, row in ROWS.items()} == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("quota_reached", {"complete": False}, "120.0% of quota in Q2 2026 so far ($120K of $100K, 9 deals won)."),
        ("quota_reached", {"partial": True, "n": 1},
         "($120K of $100K, counted for the days in this team, 1 deal won)"),
        ("won back", {"value": float("nan")}, "Renewal (Acme) won on May 20, 2026"),
        ("personal_best", {"elsewhere": True}, "any of the 7 earlier quarters in this team with"),
        ("personal_best", {"unpriced": 2}, "; 2 deals won without a known amount are left out."),
        ("personal_best", {"period_kind": "range"}, "any of the 7 earlier periods with"),
        ("biggest_deal", {"record": False, "shared": 2}, "for $88K, one of the 2 largest of 14 deals won in Q2 2026."),
        ("biggest_deal", {"unpriced": 1}, "; 1 deal won without a known amount is left out."),
        ("biggest_deal", {"deal_name": None, "account": None}, "Biggest deal: D1 for $88K"),
        ("more revenue", {"complete": False}, "in Q2 2026 so far (14 deals won), up from $40K in Q2 2025 at the same point"),
    ],
)  # fmt: skip
def test_what_limits_a_claim_is_said(kind: str, facts: dict[str, Any], words: str) -> None:
    block = team(found(("Ann", kind), **facts))
    assert words in block.text


def test_people_stand_by_alphabet_and_none_is_numbered(samples: SimpleNamespace) -> None:
    frame = found(("Ann", "quota_reached"), ("Bo", "biggest_deal"), ("Bo", "best_help"), ("Cy", "streak"))
    text = team(frame).text
    assert [line.split(".")[0] for line in text.splitlines()] == ["- Ann", "- Bo", "- Cy"]
    assert "<ol" not in team(frame).html
    for word in ("last", "least", "lowest", "nobody", "none"):
        assert word not in text.lower()


def test_where_many_earned_something_the_rarest_is_shown_and_the_others_are_named() -> None:
    names = ["Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal"]
    frame = found(*((name, "quota_reached") for name in names), ("Hal", "best_help"))
    frame = frame.sort_values("rep_name", kind="stable")
    lines = team(frame).text.splitlines()
    assert [line[:5] for line in lines[:6]] == ["- Ann", "- Bo.", "- Cy.", "- Di.", "- Ed.", "- Hal"]
    assert lines[6:] == ["Recognition was also earned by Flo and Gus."]
    assert len(team(frame, limit=2).text.splitlines()) == 3


def test_a_streak_or_comeback_says_the_quota_too_and_repeats_come_last() -> None:
    frame = found(("Ann", "streak"), ("Ann", "quota_reached"), ("Ann", "won back"), ("Ann", "won back"))
    frame = pd.concat([frame, found(("Ann", "personal_best"))], ignore_index=True)
    line = team(frame).text
    for kind in ("streak", "won back", "personal_best"):
        assert SAID[kind] in line
    assert line.count("Comeback:") == 1 and "Quota reached:" not in line
    assert line.endswith(" And 1 more recognition.")
    assert own(frame, limit=2).text.splitlines()[2:] == ["2 more recognitions not shown."]
    # A deal won back says nothing of a quota.
    apart = found(("Ann", "quota_reached"), ("Ann", "won back"))
    assert SAID["quota_reached"] in team(apart).text


def test_where_nothing_was_earned_one_honest_sentence_stands() -> None:
    assert team(found()).text == "No recognition was earned in Q2 2026 by the company's rules."
    running = recognition_list(found(), LABELS, PERIOD, dt.date(2026, 5, 1))
    assert running.text == "No recognition was earned in Q2 2026 so far by the company's rules."
    assert own(recognitions_of(found(("Ann", "streak")), "Bo")).text == team(found()).text


def test_what_could_not_be_looked_for_is_said_once_a_reason() -> None:
    missing = dict.fromkeys(("streak", "quota_reached"), "there are no quotas")
    missing["best_help"] = "there are no activities"
    lines = [
        "Not looked for: Streak and Quota reached, as there are no quotas.",
        "Not looked for: Best help, as there are no activities.",
    ]
    assert team(found(("Ann", "biggest_deal")), missing=missing).text.splitlines()[1:] == lines
    assert " ".join(lines) in team(found(), missing=missing).text


def test_the_scorecard_names_no_other_person_nor_its_own() -> None:
    names = ["Ann", "Bo", "Cy"]
    frame = found(*((name, kind) for kind in ROWS for name in names))
    block = own(recognitions_of(frame, "Ann"), limit=20)
    assert len(block.text.splitlines()) == len(ROWS) - 1
    assert not any(name in block.text or name in block.html for name in names)
    assert "West" not in block.text


def test_a_mail_leads_each_person_by_name() -> None:
    item, note = parts_of(
        str(team(found(("Ann & Söhne", "biggest_deal"), ("Bo", "best_help")), limit=1, team=True).html)
    )
    assert isinstance(item, Words) and (item.kind, item.lead) == ("item", "Ann & Söhne")
    assert item.text.startswith("West. Biggest deal: Renewal (Acme) for $88K")
    assert note == Words("note", "Recognition was also earned by Bo.")


def test_numbers_are_written_as_the_reader_writes_them() -> None:
    text = team(found(("Ann", "most_improved")), look=Look("EUR", "de_DE")).text
    assert "50,0\xa0%" in text


@pytest.mark.parametrize("kind", [*HOSTILE, "formula"])
def test_no_text_becomes_markup(kind: str, samples: SimpleNamespace) -> None:
    name = HOSTILE.get(kind, "=cmd|' /C calc'!A0\n@SUM(1)")
    frame = found(*(("Ann", row) for row in ROWS))
    texts = pd.Series([name] * len(frame), dtype=object)
    frame = frame.assign(rep_name=texts, team_name=texts, deal_name=texts, account=texts)
    labels = dict.fromkeys(LABELS, name if name.strip() else "Label")
    plain = frame.assign(rep_name="N", team_name="N", deal_name="N", account="N")
    for make in (recognition_list, own_recognition_list):
        more = {"team": True} if make is recognition_list else {}
        missing = {"missing": {"streak": name or "why"}}
        block = make(frame, labels, PERIOD, END, **more, **missing)  # type: ignore[operator]
        same = make(plain, labels, PERIOD, END, **more, **missing)  # type: ignore[operator]
        taken, harmless = (samples.taken_apart(str(b.html)) for b in (block, same))
        assert {tag for tag, _ in taken.tags} <= TAGS
        assert {a for _, attrs in taken.tags for a in attrs} <= ATTRIBUTES
        assert [t for t, _ in taken.tags] == [t for t, _ in harmless.tags]
        shown = "".join([*taken.words, block.text])
        assert not {c for c in shown if unicodedata.category(c) in {"Cc", "Cs"}} - {"\n"}
        assert len(block.html) < 40_000
        block.html.encode("utf-8")


def test_every_class_is_styled(samples: SimpleNamespace) -> None:
    from spm_lib.theme import css

    html = team(found(("Ann", "streak"), ("Bo", "best_help")), limit=1, team=True).html
    classes = {
        c for _, attrs in samples.taken_apart(str(html)).tags for c in (attrs.get("class") or "").split()
    }
    assert all(f".{c}" in css() for c in classes)
