"""Page and mail of reports that kernels made: of the demo company and, where it is at hand, of Maven's data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pytest

from spm_lib.data.ingest import ingest
from spm_lib.data.store import open_store
from spm_lib.press.execute import execute
from spm_lib.press.make import facts
from spm_lib.press.notebook import published
from spm_lib.press.plan import plan
from spm_lib.press.records import Published, check_published
from spm_lib.press.render.eml import to_eml
from spm_lib.press.render.mail import mail_of
from spm_lib.press.render.report import render
from spm_lib.press.spec import load_spec

from ..mail_rules import Read, broken, words

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real reports")]

ROOT = Path(__file__).parents[3]
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Made:
    """One report."""

    page: str
    eml: bytes
    html: str
    text: str
    pictures: int
    figures: Published
    notes: tuple[str, ...]


def made(store: Path, folder: Path, team: int = 0, **more: str) -> Made:
    spec = load_spec(ROOT / "params" / "team_performance.yml")
    with open_store(store) as opened:
        job = plan(spec, opened, today=NOW.date(), reports=folder, **more)[team]
    executed = execute(job)
    assert executed.failure is None and executed.book is not None, executed.failure
    page, notes = render(executed.book, facts(job))
    mail, left_out = mail_of(executed.book, facts(job))
    figures = check_published(published(executed.book)[-1])
    return Made(page, to_eml(mail), mail.html, mail.text, len(mail.pictures), figures, notes + left_out)


@pytest.fixture(scope="module")
def demo(demo_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(demo_store, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def maven(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("maven")
    load = ingest(ROOT / "params" / "sources" / "maven.yml", folder / "m.duckdb", now=NOW)
    return made(load.store, folder, period="2017-Q4", as_of="2017-12-31")


def check(report: Made) -> None:
    assert report.notes == ()
    assert len(report.page.encode()) < 400_000
    assert f"<h1>{report.figures.headline}</h1>" in report.page
    assert 'class="contents"' in report.page and 'class="summary"' in report.page
    assert broken(report.eml) == [] and 0 < report.pictures <= 8
    assert report.figures.kpis
    for text in (words(Read(report.html).text), words(report.text)):
        assert report.figures.headline in text
        for kpi in (each for each in report.figures.kpis if each.value is not None):
            assert kpi.label in text and kpi.text in text
            if isinstance(kpi.comparison, dict):
                assert kpi.comparison["text"] in text


def test_a_report_of_the_demo_company(demo: Made) -> None:
    check(demo)


@pytest.mark.real_data
def test_a_report_of_mavens_data(maven: Made) -> None:
    check(maven)
