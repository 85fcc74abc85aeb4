"""The rep's scorecard as a notebook: it runs for anybody, says what the models found, and names nobody else."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spm_lib.data.coaching_ledger import CoachingLedger
from spm_lib.data.history import Snapshot
from spm_lib.data.ledger import ledger_path
from spm_lib.data.store import open_store
from spm_lib.errors import UnknownNameError
from spm_lib.models.coaching.coaching import people_of_scope, read_coaching
from spm_lib.present import Block
from spm_lib.press.plan import check
from spm_lib.press.spec import load_spec

from .test_risk_notebooks import Ran

NOTEBOOK = "rep_scorecard"
SPEC = Path(__file__).parent.parent / "params" / "rep_scorecard.yml"
#: In their first quarters, moved twice, with something to work on, and without.
REPS = ("R0060", "R0001", "R0005", "R0045", "R0004")
_PICTURE = re.compile(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)")


class Card(Ran):
    """All that a scorecard's notebook put out, markup and pictures included."""

    def __init__(self, store: Path, **parameters: Any) -> None:
        self.said: list[str] = []
        super().__init__(NOTEBOOK, store, **parameters)

    def _note(self, tags: frozenset[str], value: Any) -> None:
        super()._note(tags, value)
        if isinstance(value, Block):
            pictures = [base64.b64decode(code).decode() for code in _PICTURE.findall(value.html)]
            self.said += [value.text, _PICTURE.sub(" ", value.html), *pictures]
        elif value is not None:
            self.said.append(str(getattr(value, "_repr_html_", lambda: "")()))

    @property
    def everything(self) -> str:
        return "\n".join([*self.said, json.dumps(self.published, ensure_ascii=False)])


@pytest.fixture(scope="module")
def coached(demo_scored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a scored store in which actions are agreed with two reps."""
    folder = tmp_path_factory.mktemp("coached")
    shutil.copytree(demo_scored.parent, folder, dirs_exist_ok=True)
    store = folder / demo_scored.name
    ledger = CoachingLedger(ledger_path(store))
    for rep, action in (("R0005", "Share a plan with dates"), ("R0045", "Name who signs")):
        ledger.agree(
            rep, "win_rate", action, dt.date(2026, 6, 1), dt.date(2026, 8, 1), dt.datetime(2026, 6, 1)
        )
    return store


@pytest.fixture(scope="module")
def company(coached: Path) -> Iterator[Snapshot]:
    with open_store(coached) as store:
        yield store.as_of(None)


@pytest.fixture(scope="module")
def cards(coached: Path) -> dict[str, Card]:
    return {rep: Card(coached, rep=rep) for rep in REPS}


@pytest.mark.parametrize("rep", REPS)
def test_nobody_else_is_named_in_anything_that_is_put_out(
    rep: str, cards: dict[str, Card], company: Snapshot
) -> None:
    reps = company.table("reps").select("rep_id", "name").to_pandas()
    own = str(reps.set_index("rep_id").at[rep, "name"])
    text = cards[rep].everything.casefold()
    assert own.casefold() in text
    for other, name in zip(reps["rep_id"], reps["name"], strict=True):
        if other != rep:
            assert not re.search(rf"\b{other.casefold()}\b", text), other
            assert name == own or name.casefold() not in text, name


@pytest.mark.parametrize("rep", REPS)
def test_what_is_published_is_the_reps_own(rep: str, cards: dict[str, Card], company: Snapshot) -> None:
    card, found = cards[rep].space["card"], cards[rep].published
    figures = card.figures.set_index("metric")
    assert found["people"] == [found["name"]] == [card.name]
    for kpi in found["kpis"]:
        assert (
            kpi["value"] == pytest.approx(figures.at[kpi["metric"], "value"], nan_ok=True)
            or kpi["value"] is None
        )
        assert kpi["n"] == figures.at[kpi["metric"], "n"]
    deals = company.table("deals").select("deal_id", "owner_id").to_pandas().set_index("deal_id")["owner_id"]
    assert set(deals[found["deals"]]) <= {rep} and set(found["deals"]) >= set(card.won["deal_id"])
    named = read_coaching(company).of(rep).named
    assert len(found["actions"]) == len(named)


@pytest.mark.parametrize("rep", REPS)
def test_the_words_are_whole_and_a_chance_to_miss_is_not_among_them(rep: str, cards: dict[str, Card]) -> None:
    card = cards[rep]
    assert not re.search(r"\bnan\b|\bNaT\b|\bNone\b|log-odds", card.text)
    assert "miss" not in card.text.replace("missing", "")
    assert len(card.mail.split()) < 600
    assert card.published["headline"].startswith("You ") or " is open" in card.published["headline"]


def test_levers_agreements_and_the_range_are_told(cards: dict[str, Card], company: Snapshot) -> None:
    card, found = cards["R0045"], read_coaching(company).of("R0045")
    look = card.space["look"]
    assert (
        "1 action is agreed with you, and it is up for review." in card.mail
        and "Name who signs." in card.mail
    )
    row = found.people.iloc[0]
    assert f"heading for {look.interval(row['low'], row['high'], 'currency')}" in card.mail
    for lever in found.named.to_dict("records"):
        assert lever["label"] in card.mail.casefold()


def test_who_is_new_is_compared_with_no_past(cards: dict[str, Card]) -> None:
    assert cards["R0060"].space["card"].since == dt.date(2026, 5, 25)
    assert "on Q2 2026" not in cards["R0060"].text


def test_in_the_first_weeks_it_is_a_welcome_without_empty_parts(coached: Path) -> None:
    card = Card(coached, rep="R0060", as_of="2026-06-12")
    assert card.published["headline"].startswith("Welcome to Americas SMB: your Q2 2026 quota is ")
    assert "You began on May 25, 2026." in card.text and "Your usual" not in card.text
    shown = set(card.space["card"].told["metric"])
    assert shown < set(card.space["card"].figures["metric"]) and "revenue" not in shown


def test_of_the_company_a_personal_page_holds_no_counts(cards: dict[str, Card]) -> None:
    for card in cards.values():
        assert "Rows:" not in card.text and "as known at the end of Aug 14, 2026" in card.text


def test_opened_by_hand_it_is_the_first_by_name(coached: Path, company: Snapshot) -> None:
    first = people_of_scope(company).iloc[0]
    card = Card(coached)
    assert card.published["name"] == first["rep_name"]
    assert f"this is the scorecard of {first['rep_name']}, the first by name" in card.text


def test_a_period_that_is_over_asks_for_nothing_more(coached: Path) -> None:
    card = Card(coached, rep="R0005", period="last-quarter")
    assert " more by " not in card.text and "heading for" not in card.text
    assert "Q2 2026" in card.published["headline"] and card.published["deals"]


def test_without_a_score_one_line_says_so_and_the_rest_is_shown(demo_store: Path) -> None:
    assert not ledger_path(demo_store).exists()
    card = Card(demo_store, rep="R0005")
    assert len([line for line in card.text.splitlines() if "run spm score" in line]) == 1
    assert "makes your quota" in card.text and not ledger_path(demo_store).exists()


def test_a_rep_that_is_not_there_is_told_with_the_nearest(demo_store: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"there is no rep 'R00005' at work .* Did you mean"):
        Card(demo_store, rep="R00005")
    with pytest.raises(UnknownNameError, match="there is no rep 'R0002' at work"):  # who left
        Card(demo_store, rep="R0002")


def test_the_spec_goes_to_the_rep_and_the_manager_alone() -> None:
    spec = load_spec(SPEC)
    check(spec)
    deliver = spec.content.deliver
    assert deliver is not None
    assert (list(deliver.to), list(deliver.cc)) == (["{rep.email}"], ["{rep.manager.email}"])
