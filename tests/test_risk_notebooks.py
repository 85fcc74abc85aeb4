"""The notebooks on deals at risk, on a company whose deals are scored and on one whose are not."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
import pytest

from spm_lib import report as reports
from spm_lib.data.ledger import Ledger, ledger_path
from spm_lib.present import Block, Blocks
from spm_lib.published import Published

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
TEAM = "emea-enterprise"


class Ran:
    """What a notebook's cells showed, and what they published."""

    def __init__(self, name: str, store: Path, **parameters: Any) -> None:
        self.shown: list[tuple[frozenset[str], str]] = []
        self.published: dict[str, Any] = {}
        book = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        space: dict[str, Any] = {}
        with mock.patch.dict(os.environ, {"SPM_STORE": str(store)}):
            for cell in book.cells:
                if cell.cell_type == "code":
                    tags = frozenset(cell.metadata.get("tags", ()))
                    self._note(tags, _value(cell.source, space))
                    if "parameters" in tags:
                        space |= parameters
        self.space = space

    def _note(self, tags: frozenset[str], value: Any) -> None:
        if isinstance(value, Published):
            self.published = dict(value.content)
        elif isinstance(value, (Block, Blocks)):
            self.shown.append((tags, value.text))

    @property
    def text(self) -> str:
        return "\n".join(text for _, text in self.shown)

    @property
    def mail(self) -> str:
        return "\n".join(text for tags, text in self.shown if "email" in tags)


def _value(source: str, space: dict[str, Any]) -> Any:
    """Run a cell, and give the value of its last line as a kernel does."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), space)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), space) if last else None  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def scored(demo_scored: Path) -> Iterator[Ran]:
    yield Ran("deals_at_risk", demo_scored, team=TEAM, top_deals=4)


def test_the_figures_published_are_those_of_the_ledger(scored: Ran, demo_scored: Path) -> None:
    ledger = Ledger(ledger_path(demo_scored))
    day = ledger.scored_days()[-1]
    scores = ledger.scores(day, "period").set_index("deal_id")
    open_now = reports.open_report(team=TEAM, store=demo_scored).open_deals().set_index("deal_id")
    own = (
        reports.measured.open_deals(scored.space["report"].snapshot)
        .set_index("deal_id")
        .join(scores, how="inner", rsuffix="_")
    )
    due = own[own["due"]]
    figures = {kpi["metric"]: kpi for kpi in scored.published["kpis"]}
    assert figures["money_at_risk"]["value"] == pytest.approx(float((due["amount"] * due["at_risk"]).sum()))
    assert figures["money_at_risk"]["n"] == len(due) and len(open_now) > 0
    assert figures["flagged_deals"]["value"] == own["flagged"].sum() > 0
    assert set(scored.published["deals"]) == set(own.index[own["flagged"]])
    assert len(scored.published["actions"]) == 4


def test_the_most_to_lose_comes_first_with_reason_and_action(scored: Ran) -> None:
    flagged = scored.space["risk"].flagged
    assert flagged["expected_loss"].dropna().is_monotonic_decreasing
    assert (flagged["reasons"].map(len) > 0).mean() > 0.9
    items = [text for text in scored.mail.splitlines() if text.startswith("- ")]
    assert len(items) == 4 and all(" at risk, where " in item and " First: " in item for item in items)
    assert [item.split(", ")[0] for item in items] == [f"- {name}" for name in flagged["name"].head(4)]


def test_the_mail_is_short_and_says_how_good_flags_have_been(scored: Ran) -> None:
    assert len(scored.mail.split()) < 450
    assert "flagged over 30 days on" in scored.mail and "Since " in scored.mail
    assert "log-odds" not in scored.text and "AUC" not in scored.text and "nan" not in scored.text


@pytest.mark.parametrize("name", ["team_performance", "leadership_summary"])
def test_the_short_version_names_three_deals(name: str, demo_scored: Path) -> None:
    ran = Ran(name, demo_scored, **({"team": TEAM} if name == "team_performance" else {}))
    # Lists of people are told by their levers and wins: a deal's line says how much of it is at risk.
    items = [text for text in ran.mail.splitlines() if text.startswith("- ") and "at risk, where" in text]
    assert len(items) == 3 and len(ran.published["actions"]) == 3
    assert "is at risk (" in ran.mail and "flagged over 30 days on" in ran.mail
    assert ran.published["standing"] is not None


def test_the_models_card_tells_its_own_figures(demo_scored: Path) -> None:
    ran = Ran("deal_risk_model", demo_scored)
    ledger = Ledger(ledger_path(demo_scored))
    (record, *_) = ledger.models("deal_risk")
    judged = record.card["evaluation"]["horizons"]["30"]
    figures = {kpi["metric"]: kpi for kpi in ran.published["kpis"]}
    assert figures["risk_skill"]["value"] == pytest.approx(judged["brier_skill"])
    assert figures["risk_skill"]["low"] == pytest.approx(judged["low"])
    assert figures["risk_pairs"]["n"] == judged["deals"]
    assert record.model_id in ran.text and "nan" not in ran.text.replace("nance", "")
    assert "To judge people" in ran.text


@pytest.mark.parametrize(
    "name", ["deals_at_risk", "team_performance", "leadership_summary", "deal_risk_model"]
)
def test_without_a_score_one_line_says_so_and_the_rest_is_shown(name: str, demo_store: Path) -> None:
    assert not ledger_path(demo_store).exists()
    ran = Ran(name, demo_store)
    lines = [line for line in ran.text.splitlines() if "run spm score" in line.lower()]
    assert len(lines) == 1, lines
    assert ran.published["headline"] and "nan" not in ran.mail
    assert not ledger_path(demo_store).exists()
