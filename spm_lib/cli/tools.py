"""Commands for people at work: open JupyterLab, look at this machine."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from spm_lib import terminal
from spm_lib.cli.application import app
from spm_lib.cli.options import JsonOption, ReportsOption, StoreOption, now, settings_of
from spm_lib.errors import ParameterError
from spm_lib.settings import Settings


@app.command()
def lab(store: StoreOption = None) -> None:
    """Open JupyterLab on the notebooks, with the store set."""
    settings = settings_of(store=store)
    folder = settings.root / "notebooks"
    if not folder.is_dir():
        raise ParameterError(
            "there are no notebooks here", where=str(folder), mend="Go to the project's folder first"
        )
    _jupyterlab(settings, f"--notebook-dir={folder}")


@app.command("open")
def open_report(
    run: Annotated[str, typer.Argument(help="A report's path or its end, or its team's id or name.")],
    store: StoreOption = None,
    reports: ReportsOption = None,
) -> None:
    """Open a report's executed notebook in JupyterLab, with the parameters it ran with."""
    from spm_lib.press.shelf import find

    settings = settings_of(store=store, reports=reports)
    found = find(settings.reports, run)
    if not found.ipynb.is_file():
        raise ParameterError(
            "the run kept no notebook", where=found.name(settings.reports), mend="Make it again: spm run"
        )
    _jupyterlab(settings, f"--notebook-dir={settings.reports}", str(found.ipynb))


@app.command()
def doctor(store: StoreOption = None, json: JsonOption = False) -> None:
    """Say what is missing on this machine and how to get it."""
    from spm_lib.doctor import examine

    findings = examine(settings_of(store=store), now=now(), environ=os.environ)
    terminal.show_findings(findings, json=json)
    raise typer.Exit(2 if any(f.state == "missing" for f in findings) else 0)


def _jupyterlab(settings: Settings, *arguments: str) -> None:
    os.environ["SPM_STORE"] = str(settings.store.resolve())
    os.execv(sys.executable, [sys.executable, "-m", "jupyter", "lab", *arguments])
