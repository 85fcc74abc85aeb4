"""Both notebooks, cell by cell, over companies that no demo shows: empty, tiny, huge, lost, nameless."""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from spm_lib.present import Block, Blocks
from spm_lib.published import PUBLISHED, Published

ROOT = Path(__file__).parent.parent
BOOKS = ("team_performance", "leadership_summary")
D = dt.date
START, AS_OF = D(2023, 1, 1), D(2024, 5, 20)
Row = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """What a notebook showed, in order, and what it published."""

    blocks: tuple[Block, ...]
    published: Any

    @property
    def text(self) -> str:
        return "\n".join(block.text for block in self.blocks)

    @property
    def sentences(self) -> list[str]:
        return [
            b.text
            for b in self.blocks
            if "<table" not in str(b.html)
            and re.match(r'<(h2|p) class="spm spm-(headline|claim|reading|note)"', str(b.html))
        ]

    @property
    def pictures(self) -> int:
        return sum(str(block.html).count('class="spm-picture"') for block in self.blocks)


def run(name: str, store: Any, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> Shown:
    """Run a notebook's cells in this process, as a kernel would, with `parameters` after its own."""
    monkeypatch.setenv("SPM_STORE", str(store.path))
    book = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    names: dict[str, Any] = {}
    shown: list[Block] = []
    published: list[Any] = []
    for cell in (c for c in book.cells if c.cell_type == "code"):
        body = ast.parse(cell.source).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        if "parameters" in cell.metadata.get("tags", ()):
            names |= parameters
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
        if isinstance(value, Published):
            published.append(value._repr_mimebundle_()[PUBLISHED])
        shown += [value] if isinstance(value, Block) else list(value) if isinstance(value, Blocks) else []
    (content,) = published
    return Shown(tuple(shown), content)


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("img", "br"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag


def is_sound(shown: Shown) -> None:
    """Hold a report to what any report keeps, whatever its data."""
    json.dumps(shown.published, allow_nan=False)
    assert shown.published["headline"]
    size = 0
    for block in shown.blocks:
        html = str(block.html)
        size += len(html)
        reader = _Balance()
        reader.feed(html)
        assert reader.inside == []
        assert "Nothing to show" not in block.text
        assert not re.search(r"\b(nan|NaN|NaT|inf|None(?! of ))\b", re.sub(r"<[^>]*>", " ", html)), block.text
    assert size < 400_000
    for said in shown.sentences:
        assert re.search(r"[.!?…]$", said), said
        assert not re.search(
            r"\b(is is|are are|the the|to to)\b| {2}|\.\.|;|\b1 (deals|people|teams)\b", said
        ), said
    lines = [
        block.text for block in shown.blocks if "cannot be shown" in block.text and "\n" not in block.text
    ]
    assert len(lines) == len(set(lines)), "what cannot be shown is said once a section"


def days(first: D, last: D, step: int) -> Iterator[D]:
    day = first
    while day <= last:
        yield day
        day += dt.timedelta(days=step)


def deals(
    rep: str = "r0",
    *,
    step: int = 9,
    amount: float | None = 1000,
    outcome: Callable[[int], str] = lambda i: "won" if i % 3 else "lost",
    name: str = "Deal",
) -> list[Row]:
    """Give a rep's decided deals every few days, and a few open ones."""
    found = [
        {
            "deal_id": f"{rep}-{at}",
            "name": f"{name} {at}",
            "owner_id": rep,
            "amount": amount,
            "created_on": day - dt.timedelta(days=20 + at % 7),
            "closed_on": day,
            "outcome": outcome(at),
            "source": name,
            "product_id": "p0",
            "account_id": "a0",
        }
        for at, day in enumerate(days(START + dt.timedelta(days=30), AS_OF, step))
    ]
    waiting = {
        "owner_id": rep,
        "amount": amount,
        "created_on": D(2024, 4, 1),
        "outcome": "open",
        "name": name,
    }
    return found + [
        {**waiting, "deal_id": f"{rep}-open-{k}", "expected_close_on": D(2024, 6, 10)} for k in range(3)
    ]


def company(make_store: Any, *, reps: list[str] | None = None, **tables: Any) -> Any:
    """Make a store of one team of `reps` with a quota each, and whatever `tables` say instead."""
    reps = ["Ann", "Bob"] if reps is None else reps
    quota = {
        "owner_kind": "rep",
        "kind": "individual",
        "starts_on": D(2024, 1, 1),
        "ends_on": D(2024, 12, 31),
    }
    rows: dict[str, list[Row]] = {
        "teams": [{"team_id": "w", "name": "West"}, {"team_id": "e", "name": "East"}],
        "reps": [{"rep_id": f"r{at}", "name": name} for at, name in enumerate(reps)],
        "team_members": [{"rep_id": f"r{at}", "team_id": "w"} for at in range(len(reps))],
        "accounts": [{"account_id": "a0", "name": "Acme"}],
        "products": [{"product_id": "p0", "name": "Anvil"}],
        "deals": [deal for at in range(len(reps)) for deal in deals(f"r{at}")],
        "quotas": [{**quota, "owner_id": f"r{at}", "amount": 40_000} for at in range(len(reps))],
    }
    first = START if (rows | tables)["deals"] else None
    meta = {"first_data_date": first, "last_data_date": AS_OF, "first_closed_on": first, "currency": "USD"}
    return make_store(meta=meta, **(rows | tables))


@pytest.fixture(params=BOOKS)
def show(
    request: pytest.FixtureRequest, make_store: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Shown]:
    """Give a function that makes a company and shows what a notebook says of its team."""

    def of(parameters: Row | None = None, **tables: Any) -> Shown:
        asked = {"team": "w", "period": "this-quarter"} | (parameters or {})
        shown = run(request.param, company(make_store, **tables), monkeypatch, **asked)
        is_sound(shown)
        return shown

    return of


def test_an_ordinary_company(show: Callable[..., Shown]) -> None:
    shown = show()
    assert shown.pictures >= 2
    assert "West" in shown.published["headline"]


def test_no_deals_at_all(show: Callable[..., Shown]) -> None:
    shown = show(deals=[])
    assert "not known" in shown.published["headline"]
    assert shown.pictures == 0
    assert shown.published["kpis"][0] | {"value": None, "n": 0} == shown.published["kpis"][0]


def test_a_team_without_deals_beside_one_with_many(show: Callable[..., Shown]) -> None:
    members = [{"rep_id": "r0", "team_id": "e"}, {"rep_id": "r1", "team_id": "w"}]
    shown = show(team_members=members, deals=deals("r0"))
    assert "West" in shown.published["headline"]


def test_one_deal(show: Callable[..., Shown]) -> None:
    shown = show(deals=[{**deals("r0")[0], "closed_on": D(2024, 4, 10), "outcome": "won"}])
    assert "1 deal" in shown.text or "1 won deal" in shown.text
    assert not re.search(r"\b1 (won |decided |open )?deals\b", shown.text)


def test_one_rep(show: Callable[..., Shown]) -> None:
    shown = show(reps=["Ann"])
    assert "1 people" not in shown.text


def test_no_quota(show: Callable[..., Shown]) -> None:
    shown = show(quotas=[])
    assert " won $" in shown.published["headline"]
    assert "no quota" in shown.text
    assert [kpi["value"] for kpi in shown.published["kpis"] if kpi["metric"] == "quota_attainment"] == [None]


def test_no_quota_no_stages_no_members_no_accounts(show: Callable[..., Shown]) -> None:
    shown = show({"team": ""}, quotas=[], teams=[], team_members=[], accounts=[], products=[])
    assert "The company" in shown.published["headline"]


def test_only_losses(show: Callable[..., Shown]) -> None:
    lost = [deal for rep in ("r0", "r1") for deal in deals(rep, outcome=lambda _: "lost")]
    shown = show(deals=lost, quotas=[])
    assert "won no deals" in shown.published["headline"]
    (rate,) = (kpi for kpi in shown.published["kpis"] if kpi["metric"] == "win_rate")
    assert rate["text"] == "0.0%"


@pytest.mark.parametrize("amount", [0, 1e12, None, -50])
def test_amounts_of_nothing_a_million_millions_unknown_and_refunds(
    amount: float | None, show: Callable[..., Shown]
) -> None:
    shown = show(deals=[deal for rep in ("r0", "r1") for deal in deals(rep, amount=amount)])
    if amount == 1e12:
        assert re.search(r"\$\d+T", shown.text)
        assert not re.search(r"\d{10}", re.sub(r"\d{4}-\d\d-\d\d", "", shown.published["headline"]))
    if amount is None:
        assert shown.published["kpis"][0]["value"] is None


def test_a_hundred_reps(show: Callable[..., Shown]) -> None:
    shown = show(
        reps=[f"Rep Number {at}" for at in range(100)],
        deals=[deal for at in range(100) for deal in deals(f"r{at}", step=40 + at, amount=100 + at)],
    )
    assert len(shown.published["headline"]) < 200


def test_a_hundred_teams(make_store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    teams = [{"team_id": f"t{at}", "name": f"Team {at}"} for at in range(100)]
    members = [{"rep_id": f"r{at}", "team_id": f"t{at}"} for at in range(100)]
    store = company(
        make_store,
        reps=[f"Rep {at}" for at in range(100)],
        teams=teams,
        team_members=members,
        deals=[deal for at in range(100) for deal in deals(f"r{at}", step=40 + at, amount=100 + at)],
    )
    shown = run("leadership_summary", store, monkeypatch, team="")
    json.dumps(shown.published, allow_nan=False)
    assert all(f"Team {at}\n" not in shown.published["headline"] for at in range(100))
    assert 'data-team="t57"' in "".join(str(block.html) for block in shown.blocks)


NAMES = {
    "200 characters": "Wolfeschlegelsteinhausenbergerdorff " * 6,
    "one word of 200": "x" * 200,
    "arabic": "شركة الاتصالات السعودية للمبيعات",
    "chinese": "北京市朝阳区某某科技有限责任公司",
    "emoji": "👩‍💻🎉🚀 Rocket 🏳️‍🌈",
    "markup": '<script>alert(1)</script> & "Sons" $x^2$ {{ 7*7 }}',
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_every_kind_everywhere(kind: str, show: Callable[..., Shown]) -> None:
    name = NAMES[kind]
    shown = show(
        reps=[name, name + " 2"],
        teams=[{"team_id": "w", "name": name}, {"team_id": "e", "name": name}],
        accounts=[{"account_id": "a0", "name": name}],
        products=[{"product_id": "p0", "name": name}],
        deals=[deal for rep in ("r0", "r1") for deal in deals(rep, name=name)],
    )
    html = "".join(str(block.html) for block in shown.blocks)
    assert "<script" not in html
    assert "\u202e" not in html + shown.published["headline"]
    assert len(shown.published["headline"]) < 300


def test_everything_null_that_may_be(show: Callable[..., Shown]) -> None:
    bare = [
        {"deal_id": f"d{at}", "owner_id": "r0", "outcome": outcome, "closed_on": day}
        for at, (outcome, day) in enumerate(
            [("won", D(2024, 4, 5)), ("lost", D(2024, 4, 6)), ("open", None), ("won", D(2024, 1, 5))]
        )
    ]
    shown = show(
        deals=bare,
        reps=["Ann"],
        teams=[{"team_id": "w"}],
        quotas=[],
        accounts=[{"account_id": "a0"}],
        products=[{"product_id": "p0"}],
    )
    assert shown.published["kpis"][0]["value"] is None


@pytest.mark.parametrize("period", ["2030", "2019-Q1", "2024-05-20..2024-05-20"])
def test_periods_without_data(period: str, show: Callable[..., Shown]) -> None:
    shown = show({"period": period})
    assert shown.published["headline"]


def test_an_empty_store(show: Callable[..., Shown]) -> None:
    shown = show(
        {"team": ""}, deals=[], quotas=[], teams=[], team_members=[], accounts=[], products=[], reps=[]
    )
    assert shown.pictures == 0


def test_a_parent_team_holds_the_teams_below_it_and_no_others(
    make_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = company(
        make_store,
        reps=["Ann", "Bob", "Cy"],
        teams=[
            {"team_id": "up", "name": "Region"},
            {"team_id": "w", "name": "West", "parent_team_id": "up"},
            {"team_id": "e", "name": "East", "parent_team_id": "up"},
            {"team_id": "x", "name": "Elsewhere"},
        ],
        team_members=[{"rep_id": f"r{at}", "team_id": team} for at, team in enumerate("wex")],
    )
    shown = run("leadership_summary", store, monkeypatch, team="up")
    is_sound(shown)
    assert shown.published["headline"].startswith("Region")
    html = "".join(str(block.html) for block in shown.blocks)
    assert set(re.findall(r'data-team="(\w+)"', html)) == {"w", "e"}
    assert "Elsewhere" not in shown.text
    alone = run("leadership_summary", store, monkeypatch, team="w")
    is_sound(alone)
    assert "1 team" not in alone.text
