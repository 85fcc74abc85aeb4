"""Shelves of reports for the browser, made by the real pipeline: ingest, kernels, rendering, index, mails."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

import spm_lib
from spm_lib.data.store import Store, open_store
from spm_lib.press.deliver.report_mail import report_mail
from spm_lib.press.index import write_index
from spm_lib.press.plan import Job, plan
from spm_lib.press.records import Failure, RunRecord, read_record, to_json
from spm_lib.press.run import run
from spm_lib.press.shelf import Shelved
from spm_lib.press.spec import load_spec

ROOT = Path(__file__).parent.parent.parent
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
TEAMS = ROOT / "params" / "team_performance.yml"
DEALS = ROOT / "params" / "deals_at_risk.yml"
CARD = ROOT / "params" / "deal_risk_model.yml"
SUMMARY = ROOT / "params" / "leadership_summary.yml"

#: What each kind of page is called on the shelf.
PAGES = {
    "report": "reports/team_performance/*/*/emea-enterprise.html",
    "few deals": "reports/team_performance/*/*/apac-enterprise.html",
    "summary": "reports/leadership_summary/*/*/company.html",
    "summary, German": "german/reports/leadership_summary/*/*/company.html",
    "deals at risk": "reports/deals_at_risk/*/*/emea-enterprise.html",
    "model card": "reports/deal_risk_model/*/*/company.html",
    "index": "index/index.html",
    "mail": "mails/team_performance-emea-enterprise.html",
    "mail, few deals": "mails/team_performance-apac-enterprise.html",
    "mail, summary": "mails/leadership_summary-company.html",
    "mail, deals at risk": "mails/deals_at_risk-emea-enterprise.html",
    "mail, model card": "mails/deal_risk_model-company.html",
}


@dataclass(frozen=True)
class Shelf:
    """A folder of pages."""

    folder: Path

    def page(self, kind: str) -> Path:
        """Give the newest page of a kind."""
        found = sorted(self.folder.glob(PAGES[kind]))
        assert found, f"no page for {kind} in {self.folder}"
        return found[-1]


def demo_shelf(store: Path, folder: Path, *, everyone: bool = False) -> Shelf:
    """Make the pages of the demo company; what is made and fresh is not made again.

    Parameters
    ----------
    store
        The demo company's, with its deals scored.
    folder
        Where they stay.
    everyone
        Whether to make the reports of all teams, and not of one alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"), open_store(store) as opened:
        make(demo_jobs(opened, folder / "reports", everyone=everyone))
    return Shelf(folder)


def demo_jobs(store: Store, reports: Path, *, everyone: bool = False) -> list[Job]:
    """Plan a team's reports of today, one of a quarter's first days, with hardly a deal, and those on the company.

    The summary comes in German too: amounts are half as long again, and what fits there fits.
    """
    last = last_day(store)
    begun = last.replace(month=(last.month - 1) // 3 * 3 + 1, day=3)
    jobs = [
        *jobs_of(TEAMS, store, reports, teams=None if everyone else ["emea-enterprise"]),
        *jobs_of(TEAMS, store, reports, teams=["apac-enterprise"], as_of=begun),
        *jobs_of(DEALS, store, reports, teams=None if everyone else ["emea-enterprise"]),
        *jobs_of(CARD, store, reports),
    ]
    german = reports.parent / "german" / "reports"
    return [*jobs, *jobs_of(SUMMARY, store, reports), *jobs_of(SUMMARY, store, german, locale="de_DE")]


def last_day(store: Store) -> dt.date:
    """Give the day of a store's last data; reports of that day find nothing stale."""
    assert store.meta.last_data_date is not None
    return store.meta.last_data_date


def jobs_of(spec: Path, store: Store, reports: Path, **more: Any) -> tuple[Job, ...]:
    """Plan a spec's reports as if the last data were of today."""
    return plan(load_spec(spec), store, today=last_day(store), reports=reports, **{"locale": "en_US"} | more)


def make(jobs: Sequence[Job]) -> None:
    """Make what is missing or stale, the indexes and the mails; what nobody asked for goes."""
    summary = run(jobs, clock=lambda: NOW)
    assert not summary.failed, [str(result.failure) for result in summary.failed]
    for reports in {job.reports for job in jobs}:
        wanted = {job.record for job in jobs}
        for record in reports.glob("*/*/*/*.json"):
            if record not in wanted:
                for ending in (".html", ".ipynb", ".json"):
                    record.with_suffix(ending).unlink(missing_ok=True)
        write_index(reports)
        shutil.rmtree(reports.parent / "mails", ignore_errors=True)
    for job in jobs:
        write_mail(job, job.reports.parent / "mails" / f"{job.spec}-{job.html.stem}.html")


def stamp(jobs: Sequence[Job]) -> str:
    """Give what changes whenever the pages would: what each is made of, and how they are put together here."""
    found = hashlib.sha256("".join(job.fingerprint for job in jobs).encode())
    library = Path(spm_lib.__file__).parent
    for path in sorted(
        [*Path(__file__).parent.glob("*.py"), *library.rglob("*.py"), *library.rglob("templates/*")]
    ):
        found.update(path.read_bytes())
    return found.hexdigest()


def write_mail(job: Job, page: Path) -> None:
    """Put a mail's body where a browser can open it, with pictures from files that come as parts in a mail."""
    mail, _ = report_mail(Shelved(job.record, read_record(job.record)))
    html = mail.html
    page.parent.mkdir(parents=True, exist_ok=True)
    for cid, picture in mail.pictures.items():
        name = f"{page.stem}-{cid.partition('.')[0]}.png"
        page.with_name(name).write_bytes(picture)
        assert f"cid:{cid}" in html, "a picture that the mail does not show"
        html = html.replace(f"cid:{cid}", name)
    assert "cid:" not in html
    page.write_text(html, "utf-8")


def index_of_many(reports: Path, folder: Path) -> None:
    """Make an index with a past, a report that failed and one with a warning, of copies of real records."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = list(reports.glob("*/*/*/*.json"))
    for number, path in enumerate(pages):
        record = read_record(path)
        for days in (0, 7, 100):
            more: dict[str, Any] = {"as_of": record.as_of - dt.timedelta(days=days)}
            if days == 100:
                more |= {"period": "2026-Q1", "period_title": "Q1 2026", "period_end": dt.date(2026, 3, 31)}
            if days == 7 and number == 0:
                more["warnings"] = ("The data are old",)
            put(
                folder,
                _standing(record.model_copy(update=more), ("behind", "ahead", "level", "unsure")[number % 4]),
                path,
            )
    failure = Failure(error="ValueError", message="no data", cell=12, line="figures = report.evaluate(KPIS)")
    failed = {
        "team": "lost",
        "team_name": "Lost Team",
        "status": "failed",
        "failure": failure,
        "published": None,
    }
    teams = next(path for path in pages if path.is_relative_to(reports / "team_performance"))
    put(folder, read_record(teams).model_copy(update=failed), None)
    write_index(folder)


def _standing(record: RunRecord, word: str) -> RunRecord:
    """Give the record as if its report had published how its team stands."""
    plain = json.loads(to_json(record))
    plain["published"]["standing"] = word
    return RunRecord.model_validate(plain)


def put(folder: Path, record: RunRecord, like: Path | None, name: str = "") -> None:
    """Put a record on a shelf, with the page of another beside it."""
    name = name or record.team or "company"
    place = folder / record.spec / record.period / record.as_of.isoformat() / f"{name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(to_json(record), "utf-8")
    place.with_suffix(".ipynb").write_text("{}", "utf-8")
    if like is not None:
        shutil.copy(like.with_suffix(".html"), place.with_suffix(".html"))
