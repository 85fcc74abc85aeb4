"""The index."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from spm_lib.press.index import write_index
from spm_lib.press.records import Failure, check_published, to_json

from .render.test_clean import ATTACKS, dangers
from .test_records import FIGURES, record


def put(reports: Path, name: str, *, page: bool = True, **more: Any) -> None:
    path = reports / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(record(**more)), "utf-8")
    if page:
        path.with_suffix(".html").write_text("<p>page")


def test_the_newest_report_of_every_team(tmp_path: Path) -> None:
    put(tmp_path, "summary/2017-Q4/2017-12-31/north", team_name="North", warnings=())
    put(tmp_path, "summary/2017-Q4/2017-12-01/north", team_name="North", as_of=dt.date(2017, 12, 1))
    put(tmp_path, "summary/2017-Q4/2017-12-31/west", team="w", team_name="West", warnings=("Stale <data>",))
    failure = Failure(error="ValueError", message="no <data>", cell=7, line="f(x)")
    put(
        tmp_path, "summary/2017-Q4/2017-12-31/south", page=False, team="s", team_name="South", status="failed",
        failure=failure, published=None, publications=0,
    )  # fmt: skip
    put(
        tmp_path,
        "other/2017-Q4/2017-12-31/company",
        spec="other",
        team=None,
        team_name="Company",
        warnings=(),
    )
    (tmp_path / "other/2017-Q4/2017-12-31/broken.json").write_text("{")
    page = write_index(tmp_path)
    html = page.read_text("utf-8")
    assert page == tmp_path / "index.html"
    assert re.findall(r'<th scope="row">(?:<a[^>]*>)?([^<]*)', html) == ["Company", "North", "South", "West"]
    links = re.findall(r'href="([^"#]+)"', html)
    assert links == [
        "other/2017-Q4/2017-12-31/company.html",
        "summary/2017-Q4/2017-12-31/north.html",
        "summary/2017-Q4/2017-12-31/west.html",
    ]
    assert all((tmp_path / unquote(link)).is_file() for link in links)
    assert re.findall(r'class="status \w+">(\w+)', html) == ["Ready", "Ready", "Failed", "Mind"]
    assert "cell 7 (f(x)): ValueError: no &lt;data&gt;" in html
    assert "Stale &lt;data&gt;" in html
    assert "Win rate <strong>50.0%</strong>" in html and "West is late" in html
    assert "other/2017-Q4/2017-12-31/broken.json: this is not a record" in html
    assert "of 5 on the shelf" in html
    assert (
        html.count("<h1") == 1
        and "Content-Security-Policy" in html
        and "http" not in html.split("<style>")[1]
    )


def test_a_page_that_was_taken_away_is_told(tmp_path: Path) -> None:
    put(tmp_path, "summary/2017-Q4/2017-12-31/north", page=False)
    html = write_index(tmp_path).read_text("utf-8")
    assert "The page is missing" in html and 'href="summary' not in html


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    for number, attack in enumerate(ATTACKS):
        kpi = {"metric": attack, "label": attack, "text": attack}
        figures = check_published(FIGURES | {"headline": attack, "kpis": [kpi]})
        words = {"spec": attack, "team_name": attack, "period_title": attack, "published": figures}
        put(tmp_path, f"s/p/d/{number}", team=attack, warnings=(attack,), **words)
    html = write_index(tmp_path).read_text("utf-8")
    assert dangers(html.split("</head>")[1]) == ["body"]
    assert html.count('<th scope="row">') == len(ATTACKS)


def test_an_empty_shelf(tmp_path: Path) -> None:
    assert "There are no reports yet" in write_index(tmp_path / "reports").read_text("utf-8")
