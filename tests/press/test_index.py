"""The index: every report, from run records alone."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from spm_lib.press.index import write_index
from spm_lib.press.index_lines import STATUSES
from spm_lib.press.records import Failure, check_published, to_json

from .render.test_clean import ATTACKS, dangers
from .test_records import FIGURES, record

FAILURE = Failure(error="ValueError", message="no <data>", cell=7, line="f(x)")
FAILED = {"status": "failed", "failure": FAILURE, "published": None, "publications": 0}

#: What the index itself has that nothing else may: the filter and its script.
OWN = ["body", "form", "button", "script"]


def put(reports: Path, name: str, *, page: bool = True, **more: Any) -> None:
    path = reports / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(record(**more)), "utf-8")
    path.with_suffix(".ipynb").write_text("{}")
    if page:
        path.with_suffix(".html").write_text("<p>page")


class Page(HTMLParser):
    """What a reader sees, by the classes of the elements it stands in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, str]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "col", "input", "br"):
            self.stack.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            inside = " ".join(f"<{tag}> {names}" for tag, names in self.stack)
            self.words.append((f" {inside} ", " ".join(data.split())))

    def within(self, *wanted: str, without: tuple[str, ...] = ()) -> list[str]:
        """Give the texts inside elements with all of these tags (``<th>``) or classes."""
        return [
            text
            for inside, text in self.words
            if all(f" {name} " in inside for name in wanted)
            and not any(f" {no} " in inside for no in without)
        ]


def shelf(reports: Path) -> str:
    """Two teams with a past, one that failed, the company; give the index."""
    old, older = {"as_of": dt.date(2017, 12, 1)}, {"period": "2017-Q3", "period_title": "Q3 2017"}
    put(reports, "summary/2017-Q4/2017-12-31/north", team_name="North", warnings=())
    put(reports, "summary/2017-Q4/2017-12-01/north", team_name="North", **old)
    put(
        reports, "summary/2017-Q3/2017-09-30/north", team_name="North", as_of=dt.date(2017, 9, 30),
        period_end=dt.date(2017, 9, 30), **older,
    )  # fmt: skip
    put(reports, "summary/2017-Q4/2017-12-31/west", team="w", team_name="West", warnings=("Stale <data>",))
    put(reports, "summary/2017-Q4/2017-12-31/south", page=False, team="s s", team_name="South", **FAILED)
    put(reports, "summary/2017-Q4/2017-12-01/south", team="s s", team_name="South", **old)
    company = {"spec": "the_sum", "team": None, "team_name": "Company"}
    put(reports, "the_sum/2017-Q4/2017-12-31/company", warnings=(), **company)
    (reports / "the_sum/2017-Q4/2017-12-31/broken.json").write_text("{")
    assert write_index(reports) == reports / "index.html"
    return (reports / "index.html").read_text("utf-8")


def test_the_newest_report_of_every_team(tmp_path: Path) -> None:
    html = shelf(tmp_path)
    page = Page(html)
    assert page.within("newest", "name", without=("verdict",)) == ["North", "South", "West"]
    assert page.within("newest", "status") == ["✓", "Ready", "✓", "Ready", "✕", "Failed", "✓", "Ready"]
    assert html.index("· The sum ·") < html.index(">Summary</h2>"), "the company's report comes first"
    assert page.within("<h2>") == ["West is late", "Summary", "Records that cannot be read"]
    assert page.within("newest", "<thead>") == []
    heads = page.within("<thead>", without=("older",))
    assert heads == ["Team", "Win rate", "Revenue", "Report"]
    assert page.within("newest", "figure", "<td>", without=("label",)) == 2 * [
        "50.0%", "▲ +4.1 pts", "n 8", "–", "unknown"
    ]  # fmt: skip
    assert "the_sum/2017-Q4/2017-12-31/broken.json: this is not a record" in html
    assert "7 reports on the shelf" in html
    assert html.count("<h1") == 1


def test_history_stands_folded_under_its_team(tmp_path: Path) -> None:
    html = shelf(tmp_path)
    page = Page(html)
    summaries = " ".join(page.within("<summary>"))
    assert summaries == "North: 2 earlier reports South: 1 earlier report"
    assert page.within("older", "run", "<a>") == ["Q4 2017", "Q3 2017", "Q4 2017"]
    assert "<details>" in html and "<details open" not in html
    assert page.within("older", "<td>", "<b>") == ["50.0%"] * 3


def test_links_lead_to_files_from_anywhere(tmp_path: Path) -> None:
    shelf(tmp_path / "reports")
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "reports", moved)
    links = re.findall(r'href="([^"#]+)"', (moved / "index.html").read_text("utf-8"))
    assert len(links) >= 7
    assert all((moved / unquote(link)).is_file() for link in links), links
    put(moved, "summary/2017-Q4/2017-12-31/100% ?a#b", team="odd", team_name="Odd")
    assert 'href="summary/2017-Q4/2017-12-31/100%25%20%3Fa%23b.html"' in write_index(moved).read_text("utf-8")


def test_a_failure_says_where_and_how_to_look(tmp_path: Path) -> None:
    html = shelf(tmp_path)
    page = Page(html)
    assert page.within("failure", "why") == ["cell 7 (f(x)): ValueError: no <data>"]
    assert 'href="summary/2017-Q4/2017-12-31/south.ipynb"' in html
    assert page.within("failure", "<code>") == [
        "spm run params/summary.yml --period 2017-Q4 --as-of 2017-12-31 --team 's s'"
    ]
    assert 'The last one made: <a href="summary/2017-Q4/2017-12-01/south.html">' in html
    assert "1 report could not be made" in html.replace("<strong>", "").replace("</strong>", "")


def test_a_page_that_was_taken_away_is_told(tmp_path: Path) -> None:
    put(tmp_path, "summary/2017-Q4/2017-12-31/north", page=False)
    html = write_index(tmp_path).read_text("utf-8")
    assert "The page is missing" in html and 'href="summary/2017-Q4/2017-12-31/north.html' not in html


def test_there_is_a_word_and_a_mark_for_every_state() -> None:
    """Not by colour alone, and `held` reports will have their place."""
    assert {"done", "held", "failed"} == set(STATUSES)
    for part in ("word", "mark", "key"):
        assert len({getattr(status, part) for status in STATUSES.values()}) == 3


def test_what_all_reports_warn_of_is_said_once(tmp_path: Path) -> None:
    for name, warnings in (("a", ("Old data", "A's own")), ("b", ("Old data",))):
        put(tmp_path, f"summary/2017-Q4/2017-12-31/{name}", team=name, team_name=name, warnings=warnings)
    html = write_index(tmp_path).read_text("utf-8")
    assert html.count("Old data") == 1 and html.count("A&#39;s own") == 1


def test_the_currency_stands_in_the_header(tmp_path: Path) -> None:
    for team, currency in (("a", "USD"), ("b", "EUR"), ("c", None)):
        figures = check_published(FIGURES | ({"currency": currency} if currency else {}))
        put(tmp_path, f"summary/2017-Q4/2017-12-31/{team}", team=team, published=figures)
    assert "amounts in EUR, USD" in write_index(tmp_path).read_text("utf-8")


def test_the_title_is_the_message(tmp_path: Path) -> None:
    for team, standing in (("a", "behind"), ("b", "level"), ("c", "behind")):
        figures = check_published(FIGURES | {"standing": standing})
        day = dt.date(2017, 12, 1)
        put(tmp_path, f"summary/2017-Q4/2017-12-01/{team}", team=team, team_name=f"Team {team}", as_of=day,
            published=figures)  # fmt: skip
    html = write_index(tmp_path).read_text("utf-8")
    assert "<h1>2 of 3 teams are behind pace for Q4 2017, 1 on pace</h1>" in html
    assert "<title>2 of 3 teams are behind pace for Q4 2017, 1 on pace</title>" in html
    named = re.findall(r'<a href="[^"]+/(\w)\.html">(Team \w)</a>', html.split("</header>")[0])
    assert named == [("a", "Team a"), ("c", "Team c")]
    assert Page(html).within("verdict") == ["▼", "Behind pace", "►", "On pace", "▼", "Behind pace"]


def test_differences_are_named_by_what_they_are_against(tmp_path: Path) -> None:
    def figures(against: str) -> Any:
        kpi = FIGURES["kpis"][0] | {"comparison": {"text": "▲ +1", "against": against, "significant": True}}
        return check_published(FIGURES | {"kpis": [kpi]})

    one = "summary/2017-Q4/2017-12-31/a"
    put(tmp_path, one, published=figures("2017-Q3"))
    put(tmp_path, "summary/2017-Q4/2017-12-01/a", as_of=dt.date(2017, 12, 1), published=figures("2017-Q3"))
    html = write_index(tmp_path).read_text("utf-8")
    assert "difference from 2017-Q3, unless" in html
    assert "<span>against 2017-Q3 at the same point</span>" in html, "the earlier report ran in mid-period"
    assert 'class="difference sure"' in html
    put(tmp_path, "summary/2017-Q4/2017-12-31/b", team="b", published=figures("2016-Q4"))
    html = write_index(tmp_path).read_text("utf-8")
    assert "unless the report" not in html
    assert "<span>against 2017-Q3</span>" in html and "<span>against 2016-Q4</span>" in html


def test_the_policy_lets_its_own_script_run_and_no_other(tmp_path: Path) -> None:
    html = shelf(tmp_path)
    policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', html)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(policy) == len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    rules = dict(rule.split(" ", 1) for rule in policy[0].split("; "))
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    assert len(scripts[0]) < 3_000
    assert not re.search(r"https?://|innerHTML|eval|fetch|import", scripts[0])


def test_the_filter_is_not_shown_without_its_script(tmp_path: Path) -> None:
    html = shelf(tmp_path)
    assert re.search(r'<form class="filter" id="filter" hidden>', html)
    options = re.findall(r'<select id="filter-\w+" name="(\w+)">(.*?)</select>', html, re.DOTALL)
    found = {name: re.findall(r">([^<]+)</option>", body) for name, body in options}
    assert found == {
        "team": ["All teams", "The company", "North", "South", "West"],
        "period": ["All periods", "Q4 2017", "Q3 2017"],
        "report": ["All reports", "Summary", "The sum"],
    }
    runs = re.findall(r'class="run[^"]*" data-report="(\d)" data-period="(\d)" data-team="(\d)"', html)
    assert sorted("".join(run) for run in runs) == ["001", "001", "002", "002", "003", "011", "100"]


def test_one_report_needs_no_filter(tmp_path: Path) -> None:
    put(tmp_path, "summary/2017-Q4/2017-12-31/north")
    html = write_index(tmp_path).read_text("utf-8")
    assert "<script" not in html and "<form" not in html


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    for number, attack in enumerate(ATTACKS):
        compared = {"text": attack, "against": attack, "significant": attack}
        kpi = {"metric": attack, "label": attack, "text": attack, "comparison": compared}
        figures = check_published(FIGURES | {"headline": attack, "kpis": [kpi]})
        failed = Failure(error=attack, message=attack, cell=1, line=attack)
        words: dict[str, Any] = {"spec": attack, "team_name": attack, "period_title": attack}
        words |= {"team": attack, "period": attack, "warnings": (attack,)}
        put(tmp_path, f"s/p/d/{number}", **words, published=figures)
        put(tmp_path, f"s/p/e/{number}", **words, published=figures, as_of=dt.date(2016, 1, 1))
        put(
            tmp_path,
            f"s/p/f/{number}",
            page=False,
            **FAILED | words | {"team": f"{attack}f", "failure": failed},
        )
    html = write_index(tmp_path).read_text("utf-8")
    assert dangers(html.split("</head>")[1]) == OWN
    assert html.count('class="run newest"') == 2 * len(ATTACKS)
    assert all(any(attack[:20] in text for _, text in Page(html).words) for attack in ATTACKS)


def test_no_records_but_those_on_the_shelf_are_read(tmp_path: Path) -> None:
    """Figures come from records: what the pages say does not matter."""
    put(tmp_path, "summary/2017-Q4/2017-12-31/north")
    before = write_index(tmp_path).read_text("utf-8")
    for page in tmp_path.rglob("north.*"):
        if page.suffix != ".json":
            page.write_text("Something else")
    assert write_index(tmp_path).read_text("utf-8") == before
    path = next(tmp_path.rglob("north.json"))
    plain = json.loads(path.read_text("utf-8"))
    plain["published"]["kpis"][0]["text"] = "51.7%"
    path.write_text(json.dumps(plain), "utf-8")
    assert "51.7%" in write_index(tmp_path).read_text("utf-8")


@pytest.mark.parametrize("count", [0, 1, 9])
def test_any_number_of_figures(tmp_path: Path, count: int) -> None:
    kpis = [{"metric": f"m{n}", "label": f"Label {n}", "text": f"{n}"} for n in range(count)]
    put(tmp_path, "summary/2017-Q4/2017-12-31/a", published=check_published(FIGURES | {"kpis": kpis}))
    put(tmp_path, "summary/2017-Q4/2017-12-31/b", page=False, team="b", **FAILED)
    html = write_index(tmp_path).read_text("utf-8")
    assert html.count('class="label"') == min(count, 6)
    assert f'colspan="{max(1, min(count, 6))}"' in html


def test_an_empty_shelf(tmp_path: Path) -> None:
    assert "There are no reports yet" in write_index(tmp_path / "reports").read_text("utf-8")


def test_teams_without_a_page_are_counted_and_neither_judged_nor_linked(tmp_path: Path) -> None:
    day = dt.date(2017, 12, 1)
    for name, standing in (("a", "behind"), ("b", "behind"), ("gone", "behind"), ("none", "nothing")):
        put(tmp_path, f"summary/2017-Q4/2017-12-01/{name}", page=name != "gone", team=name, team_name=name.title(),
            as_of=day, published=check_published(FIGURES | {"standing": standing}))  # fmt: skip
    for name, status in (("failed", "failed"), ("held", "held")):
        more = FAILED | {"status": status}
        put(
            tmp_path,
            f"summary/2017-Q4/2017-12-01/{name}",
            page=False,
            team=name,
            team_name=name,
            as_of=day,
            **more,
        )
    html = write_index(tmp_path).read_text("utf-8")
    assert "<h1>2 of 6 teams are behind pace for Q4 2017, 1 without a win yet and 3 not known</h1>" in html
    head = html.split("</header>")[0]
    assert re.findall(r'<a href="[^"]+/(\w+)\.html">', head) == ["a", "b", "none"]
    assert "Nothing won yet" in Page(html).within("verdict")


@pytest.mark.parametrize(
    ("locale", "n", "day"), [("de_DE", "n 12.345", "31.12.2017"), ("en_US", "n 12,345", "Dec 31, 2017")]
)
def test_days_and_counts_are_written_as_their_report_writes_them(
    locale: str, n: str, day: str, tmp_path: Path
) -> None:
    kpi = FIGURES["kpis"][0] | {"n": 12_345}
    figures = check_published(FIGURES | {"kpis": [kpi], "locale": locale})
    put(tmp_path, "summary/2017-Q4/2017-12-31/a", published=figures)
    put(tmp_path, "summary/2017-Q4/2017-12-31/b", page=False, team="b", **FAILED)
    html = write_index(tmp_path).read_text("utf-8")
    assert n in html
    assert html.count(f"as of {day}") == 2, "one that published nothing is written like the others"


@pytest.mark.parametrize("locale", ["xx_XX", "../../etc", "", None, 5, "e" * 5000])
def test_a_locale_that_is_none_is_no_failure(locale: Any, tmp_path: Path) -> None:
    put(tmp_path, "summary/2017-Q4/2017-12-31/a", published=check_published(FIGURES | {"locale": locale}))
    assert "as of Dec 31, 2017" in write_index(tmp_path).read_text("utf-8")
