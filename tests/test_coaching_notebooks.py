"""The manager's page, and what is left of it for others: figures of the ledger, and no name where none may be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from spm_lib.data.store import open_store
from spm_lib.models.coaching.coaching import read_coaching
from spm_lib.press.audience import managers_alone
from spm_lib.published import PUBLISHED
from spm_lib.report import open_report

ROOT = Path(__file__).parents[1]
TEAM = "dach-mid-market"


@pytest.fixture(scope="module")
def pages(demo_scored: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, nbformat.NotebookNode]:
    """Execute the notebooks for both audiences."""
    folder = tmp_path_factory.mktemp("coaching")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPM_STORE", str(demo_scored))
        patch.chdir(ROOT)
        for name in ("coaching_priorities", "team_performance"):
            for audience in ("manager", "team"):
                found[f"{name} {audience}"] = papermill.execute_notebook(
                    ROOT / "notebooks" / f"{name}.ipynb",
                    folder / f"{name}-{audience}.ipynb",
                    {"team": TEAM, "audience": audience},
                    cwd=ROOT,
                    progress_bar=False,
                )
    return found


def published(book: nbformat.NotebookNode) -> dict[str, Any]:
    (found,) = [
        output["data"][PUBLISHED]
        for cell in book.cells
        for output in cell.get("outputs", [])
        if PUBLISHED in output.get("data", {})
    ]
    return dict(found)


def coaching_of(store: Path):
    with open_store(store) as opened:
        return read_coaching(opened.as_of().scope(TEAM))


def test_the_manager_reads_what_the_ledger_holds(pages, demo_scored: Path) -> None:
    coaching = coaching_of(demo_scored)
    told = published(pages["coaching_priorities manager"])
    figures = {kpi["metric"]: kpi for kpi in told["kpis"]}
    assert figures["people_behind"]["value"] == coaching.named["rep_id"].nunique() > 0
    due = coaching.people.dropna(subset="miss")
    assert figures["expected_attainment"]["value"] == pytest.approx(
        due["expected"].sum() / due["quota"].sum()
    )
    assert told["people"] == list(dict.fromkeys(coaching.named["rep_name"]))[:5]
    text = json.dumps(pages["coaching_priorities manager"])
    first = coaching.named.iloc[0]
    assert first["rep_name"] in text
    for deal in first["deals"]:
        assert deal["deal_id"] in told["deals"]


@pytest.mark.parametrize("name", ["coaching_priorities", "team_performance"])
def test_what_is_the_managers_alone_is_marked_and_left_out_for_others(pages, name: str) -> None:
    assert managers_alone(pages[f"{name} manager"])
    assert managers_alone(pages[f"{name} team"]) == ()


def test_every_output_that_names_somebody_is_marked(pages, demo_scored: Path) -> None:
    people = coaching_of(demo_scored).people["rep_name"]
    shown = (
        str(output.get("data", {}).get("text/html", ""))
        for cell in pages["coaching_priorities manager"].cells
        for output in cell.get("outputs", [])
    )
    told = [html for html in shown if any(name in html for name in people)]
    assert len(told) >= 3, "headline, list and the data of the figures"
    assert all('data-audience="manager"' in html for html in told)


def test_others_read_no_name_on_the_page_about_coaching(pages, demo_scored: Path) -> None:
    outputs = json.dumps([cell.get("outputs", []) for cell in pages["coaching_priorities team"].cells])
    people = coaching_of(demo_scored).people
    assert len(people) > 3
    for name in (*people["rep_name"], *people["rep_id"]):
        assert json.dumps(name)[1:-1] not in outputs, name
    told = published(pages["coaching_priorities team"])
    assert told["people"] == told["deals"] == told["actions"] == []
    assert all(kpi["value"] is None for kpi in told["kpis"])


def outputs_of(book: nbformat.NotebookNode, call: str) -> list[dict[str, Any]]:
    """Give what the one cell that calls `call` shows."""
    (cell,) = [cell for cell in book.cells if cell.cell_type == "code" and f"{call}(" in cell.source]
    return [dict(output["data"]) for output in cell["outputs"] if "data" in output]


def in_order_of_names(names: list[str]) -> bool:
    return names == sorted(names, key=str.casefold)


def people_in(text: str, people: set[str]) -> list[str]:
    """Give the people with whose names lines begin, in their order."""
    starts = [line.removeprefix("- ").split("  ")[0] for line in text.splitlines()]
    return [name for name in starts if name in people]


@pytest.mark.parametrize("call", ["attainment_chart", "mix_charts"])
def test_others_read_people_in_the_order_of_their_names(pages, demo_scored: Path, call: str) -> None:
    people = set(coaching_of(demo_scored).people["rep_name"])
    ranked = "\n".join(data["text/plain"] for data in outputs_of(pages["team_performance manager"], call))
    shown = outputs_of(pages["team_performance team"], call)
    told = people_in("\n".join(data["text/plain"] for data in shown), people)
    assert set(told) == people and in_order_of_names(told)
    assert not in_order_of_names(people_in(ranked, people)), "the manager reads who is first"
    alts = re.findall(r'alt="([^"]*)"', "".join(data["text/html"] for data in shown))
    assert alts and not any(name in alt for alt in alts for name in people)


def test_others_read_of_nobody_who_is_behind(pages, demo_scored: Path) -> None:
    people = coaching_of(demo_scored).people["rep_name"]
    for call in ("attainment_finding", "attainment_reading"):
        said = " ".join(data["text/plain"] for data in outputs_of(pages["team_performance team"], call))
        for sentence in re.split(r"(?<=\.) ", said):
            if any(name in sentence for name in people):
                assert "clearly ahead" in sentence and "behind" not in sentence
    assert in_order_of_names(published(pages["team_performance team"])["people"])


def test_wins_are_celebrated_in_alphabetical_order(pages, demo_scored: Path) -> None:
    earned = set(open_report(team=TEAM, store=demo_scored).recognition["rep_name"])
    assert len(earned) > 1, "the demo has wins to celebrate"
    for audience in ("manager", "team"):
        (shown,) = outputs_of(pages[f"team_performance {audience}"], "recognition_list")
        told = [line[2:].split(".")[0] for line in shown["text/plain"].splitlines() if line.startswith("- ")]
        assert told and set(told) <= earned and in_order_of_names(told)
