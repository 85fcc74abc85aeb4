"""What the command line prints: Rich tables for people, JSON for programs."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
import math
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from spm_lib.errors import one_line
from spm_lib.theme import format_value

if TYPE_CHECKING:
    import pandas as pd

    from spm_lib.data.ingest import IngestSummary
    from spm_lib.doctor import Finding
    from spm_lib.models.scoring import Scored
    from spm_lib.periods import Period
    from spm_lib.press.deliver.entry import Entry
    from spm_lib.press.plan import Job
    from spm_lib.press.run import Result, Summary

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a line."""
    _out.print(escape(text), soft_wrap=True)


def complain(text: str) -> None:
    """Print one line of error."""
    _err.print(escape(one_line(text, 1000)), style="red" if _err.is_terminal else None, soft_wrap=True)


@contextmanager
def working(title: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show a spinner with the step at hand, on a terminal; give a function that names the step."""
    if quiet or not _err.is_terminal:
        yield lambda _: None
        return
    with _err.status(escape(title)) as status:
        yield lambda step: status.update(f"{escape(title)}: {escape(step)}")


def show_json(value: object) -> None:
    """Print `value` as JSON."""
    sys.stdout.write(jsonlib.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def show_ingest(summary: IngestSummary, *, json: bool = False) -> None:
    """Print what an ingest did: rows kept, rows refused and why, notices."""
    if json:
        show_json(
            {
                "source": summary.source,
                "store": str(summary.store),
                "rows": dict(summary.rows),
                "refused": [vars(r) for r in summary.refusals],
                "notices": list(summary.notices),
                "changes_recorded": summary.recording.changes,
                "deals_gone": summary.recording.gone,
                "last_data_date": summary.meta.last_data_date,
            }
        )
        return
    table = _table("table", "rows kept", "rows refused", title=f"{summary.source} → {summary.store}")
    for name, rows in summary.rows.items():
        refused = sum(r.rows for r in summary.refusals if r.table == name)
        table.add_row(name, f"{rows:,}", f"{refused:,}" if refused else "")
    _out.print(table)
    for refusal in summary.refusals:
        line = f":{refusal.line}" if refusal.line else ""
        text = f"{refusal.table}: {refusal.rows:,} refused: {refusal.reason} ({refusal.source}{line})"
        say(one_line(text, 600))
    if summary.refusals:
        say("Refused rows stand in the store's table spm_quarantine, with reason, row and line.")
    for notice in summary.notices:
        say(f"Mind: {notice}")
    recording = summary.recording
    if recording.changes or recording.gone or recording.lost:
        say(
            f"Since the last load: {recording.changes:,} changes recorded, "
            f"{recording.gone:,} deals gone from the source"
            + (
                f", {recording.lost:,} of whose owners are gone too and which are not kept"
                if recording.lost
                else ""
            )
        )
    say(f"Data up to {summary.meta.last_data_date}.")


def show_scored(scored: Scored, *, json: bool = False, brief: bool = False) -> None:
    """Print what scoring did and, unless `brief`, whether the model is believed over each horizon, and where scores are."""
    if json:
        show_json(
            {
                "state": scored.state,
                "as_of": scored.as_of,
                "deals": scored.deals,
                "flagged": dict(scored.flagged),
                "model": scored.model_id,
                "fitted": scored.fitted,
                "gates": {horizon: vars(gate) for horizon, gate in scored.gates.items()},
                "note": scored.note or None,
                "reps": scored.reps,
                "named": scored.named,
                "outlooks": scored.outlooks,
                "ledger": str(scored.ledger),
            }
        )
        return
    if scored.state == "nothing":
        say(f"No deals scored: {scored.note}." if scored.reps else f"Nothing scored: {scored.note}.")
        _show_people(scored)
        return
    done = "scored" if scored.state == "scored" else "scored already"
    flagged = scored.flagged.get("period", 0)
    say(f"{scored.deals:,} open deals {done} as of {scored.as_of}, {flagged:,} flagged within the quarter.")
    if scored.note:
        say(f"Rules only: {scored.note}.")
    else:
        say(f"Model {scored.model_id}{', fitted just now' if scored.fitted else ''}.")
    _show_people(scored)
    if brief:
        return
    for horizon, gate in scored.gates.items():
        span = "To the end of the quarter" if horizon == "period" else f"Within {horizon} days"
        verdict = "the model is believed" if gate.open else "no reliable signal in this data, rules only"
        say(f"{span}, {verdict}: {gate.why}.")
    say(f"Scores: {scored.ledger}")


def _show_people(scored: Scored) -> None:
    if scored.reps:
        who = f"{scored.reps:,} people compared on the same work, {scored.named:,} behind beyond chance"
        say(f"{who}; {scored.outlooks:,} outlooks on quotas.")


def show_metrics(
    frame: pd.DataFrame, period: Period, as_of: dt.date, currency: str, locale: str, *, json: bool = False
) -> None:
    """Print the tidy frame of metrics."""
    records = [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]
    if json:
        show_json(records)
        return
    names = list(frame.columns)
    dimensions = [n for n in names[: names.index("metric")] if f"{n}_name" not in names]
    table = _table(
        *dimensions,
        "metric",
        "part",
        "value",
        "95 % interval",
        "n",
        "note",
        title=f"{period.title}, as of {as_of}",
    )

    def shown(value: Any, unit: str) -> str:
        return format_value(value, unit, currency=currency, locale=locale) if value is not None else "–"

    for row in records:
        low, high = shown(row["low"], row["unit"]), shown(row["high"], row["unit"])
        table.add_row(
            *(
                f"no {d.removesuffix('_name')}" if row[d] is None else escape(one_line(str(row[d]), 40))
                for d in dimensions
            ),
            row["metric"],
            escape(one_line(str(row["part"] or ""), 30)),
            shown(row["value"], row["unit"]),
            "" if row["low"] is None else f"{low} to {high}",
            f"{row['n']:,}",
            escape(str(row["note"] or "")),
        )
    _out.print(table)


def show_plan(jobs: Sequence[tuple[Job, str]], *, json: bool = False) -> None:
    """Print which reports a spec means, and the state of each."""
    if json:
        show_json(
            [
                {
                    "spec": job.spec,
                    "team": job.team,
                    "team_name": job.team_name,
                    "rep": job.rep,
                    "rep_name": job.rep_name or None,
                    "period": job.period,
                    "as_of": job.as_of,
                    "parameters": dict(job.parameters),
                    "html": str(job.html),
                    "fingerprint": job.fingerprint,
                    "state": state,
                }
                for job, state in jobs
            ]
        )
        return
    per_rep = any(job.rep is not None for job, _ in jobs)
    names = ("team", "rep") if per_rep else ("team",)
    table = _table(*names, "period", "as of", "state", "report", title=f"{len(jobs)} reports")
    for job, state in jobs:
        who = (job.team_name, job.rep_name) if per_rep else (job.team_name,)
        row = (*who, job.period, str(job.as_of), state, str(job.html.relative_to(job.reports)))
        table.add_row(*(escape(one_line(cell, 80)) for cell in row))
    _out.print(table)


@contextmanager
def counting(title: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[Result], None]]:
    """Show a progress bar, on a terminal: done, failed, skipped, time left; give a function that takes each result."""
    if quiet or not _err.is_terminal:
        yield lambda _: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    ended: Counter[str] = Counter()
    with Progress(*columns, console=_err, transient=True) as bar:
        task = bar.add_task(escape(title), total=total)

        def tell(result: Result) -> None:
            ended[result.status] += 1
            counts = ", ".join(f"{count} {status}" for status, count in ended.items())
            bar.update(task, advance=1, description=escape(f"{title}: {counts}"))

        yield tell


@contextmanager
def counting_mails(*, quiet: bool = False) -> Iterator[Callable[[Entry], None]]:
    """Show, on a terminal, how many mails were sent so far; give a function that takes each."""
    with working("Sending mails", quiet=quiet) as say_step:
        ended: Counter[str] = Counter()

        def tell(entry: Entry) -> None:
            ended[entry.state] += 1
            counts = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in ended.items())
            say_step(f"Sending mails: {counts}")

        yield tell


def show_run(summary: Summary, index: Path, *, json: bool = False) -> None:
    """Print how a run ended: what was made, failed, held and skipped, and how to look at what went wrong."""
    if json:
        show_json(
            {
                "done": len(summary.done),
                "failed": len(summary.failed),
                "held": len(summary.held),
                "skipped": len(summary.skipped),
                "interrupted": summary.interrupted,
                "ordinary_kernels": summary.ordinary,
                "index": str(index),
                "reports": [
                    {
                        "team": result.job.team,
                        "rep": result.job.rep,
                        "period": result.job.period,
                        "status": result.status,
                        "html": str(result.job.html) if result.status in ("done", "skipped") else None,
                        "failure": str(result.failure) if result.failure else None,
                        "warnings": list(result.warnings),
                        "seconds": round(result.seconds, 3),
                    }
                    for result in summary.results
                ],
            }
        )
        return
    for result in (*summary.failed, *summary.held):
        complain(
            f"{result.job.label}: {'failed at' if result.status == 'failed' else 'held:'} {result.failure}"
        )
    if summary.failed or summary.held:
        _out.print(_troubles([*summary.failed, *summary.held]))
    for result in summary.results:
        for warning in result.warnings:
            say(f"{result.job.label}: {warning}")
    counts = [f"{len(summary.done)} made", f"{len(summary.skipped)} skipped, as nothing changed"]
    if summary.failed:
        counts.append(f"{len(summary.failed)} failed")
    if summary.held:
        counts.append(f"{len(summary.held)} held")
    if summary.interrupted:
        counts.append("stopped before the rest")
    if summary.ordinary:
        say(f"Kernels were started one by one, which is slower: {summary.ordinary}.")
    say(f"{', '.join(counts)}. Open {index}")


def _troubles(results: Sequence[Result]) -> Table:
    """Give a table of what went wrong: the cell, the error, the parameters, and how to open the notebook."""
    table = _table("report", "cell", "error", "parameters", "look at it with")
    for result in results:
        job, failure = result.job, result.failure
        name = job.html.relative_to(job.reports).with_suffix("").as_posix()
        given = ", ".join(f"{key}={value}" for key, value in job.parameters.items())
        row = [job.label, "", "", one_line(given, 200), shlex.join(["spm", "open", name])]
        if failure is not None:
            row[1] = f"{failure.cell}: {one_line(failure.line, 60)}" if failure.cell else ""
            row[2] = one_line(f"{failure.error}: {failure.message}", 300)
        table.add_row(*(escape(cell) for cell in row))
    return table


def show_findings(findings: Sequence[Finding], *, json: bool = False) -> None:
    """Print what `spm doctor` found."""
    if json:
        show_json([vars(f) for f in findings])
        return
    table = _table("", "what", "found", "how to get it")
    marks = {"good": "[green]✓[/]", "missing": "[red]✗[/]", "optional": "–"}
    for finding in findings:
        table.add_row(marks[finding.state], escape(finding.what), escape(finding.found), escape(finding.mend))
    _out.print(table)


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table of text."""
    table = _table(*columns, title=title)
    for row in rows:
        table.add_row(*(escape(one_line(cell, 300)) for cell in row))
    _out.print(table)


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(title=escape(title) if title else None, title_justify="left", title_style="bold")
    for column in columns:
        numeric = column in ("value", "n", "rows kept", "rows refused")
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    return table


def _plain(value: Any) -> Any:
    """Give a value of a frame as JSON knows it: what is unknown is null."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return None if value != value else str(value)
