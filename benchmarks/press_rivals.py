"""The other ways of making the same reports: shell loops over Papermill and nbconvert, and ploomber-engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from press_company import BIN, JOBS, NOTEBOOK, ROOT, Company, environment, output_of

#: What people write: Papermill with its defaults, then nbconvert with its default template.
ONE_REPORT = """\
papermill "$NOTEBOOK" "$1.ipynb" -p team "$1" -p period "$PERIOD" -p as_of "$DAY"
jupyter nbconvert --to html "$1.ipynb"
"""
LOOP = 'for team in $TEAMS; do sh -e one_report.sh "$team" || exit 1; done'
XARGS = f"printf '%s\\n' $TEAMS | xargs -P {JOBS} -n 1 sh -e one_report.sh"

NOT_INSTALLED = "ploomber-engine is not installed: skipped; install it with pip install ploomber-engine"


def loop_seconds(company: Company, jobs: Sequence[dict[str, Any]], *, parallel: bool) -> float:
    """Give the seconds a report of the shell loop, one after the other or under `xargs`."""
    folder = company.folder / "loop"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "one_report.sh").write_text(ONE_REPORT, "utf-8")
    given = jobs[0]["parameters"]
    variables = environment(
        SPM_STORE=str(company.store),
        NOTEBOOK=str(NOTEBOOK),
        PERIOD=given["period"],
        DAY=given["as_of"],
        TEAMS=" ".join(job["team"] for job in jobs),
    )
    begun = time.perf_counter()
    output_of(["sh", "-c", XARGS if parallel else LOOP], variables=variables, folder=folder)
    seconds = time.perf_counter() - begun
    made = sorted(path.stem for path in folder.glob("*.html"))
    assert made == sorted(job["team"] for job in jobs), f"the loop made {made}"
    return seconds / len(jobs)


def find_ploomber(asked: Path | None) -> Path | None:
    """Give an interpreter that has ploomber-engine: the one asked for, or this one; None where it has not."""
    python = asked or Path(sys.executable)
    command = [str(python), "-c", "import ploomber_engine, nbconvert, spm_lib"]
    done = subprocess.run(command, capture_output=True, env=_quietly(), check=False)
    return None if done.returncode else python


def ploomber_seconds(company: Company, jobs: Sequence[dict[str, Any]], python: Path) -> float:
    """Give the seconds a report in one process that has made a report before: its start is not counted."""
    folder = company.folder / "ploomber"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    order = {
        "notebook": str(NOTEBOOK),
        "folder": str(folder),
        "reports": [{"team": job["team"], **job["parameters"]} for job in jobs],
    }
    script = Path(__file__).parent / "press_ploomber.py"
    told = output_of(
        [str(python), str(script), "--from-stdin"],
        given=json.dumps(order),
        variables=_quietly(SPM_STORE=str(company.store)),
    )
    made = {path.stem for path in folder.glob("*.html")}
    assert made == {job["team"] for job in jobs}, f"ploomber-engine made {sorted(made)}"
    return float(json.loads(told.splitlines()[-1])["seconds"]) / len(jobs)


def _quietly(**more: str) -> dict[str, str]:
    # A second environment has neither this product nor, under its own folder, nbconvert's templates.
    library = os.pathsep.join(part for part in (os.environ.get("PYTHONPATH"), str(ROOT)) if part)
    templates = str(BIN.parent / "share" / "jupyter")
    return environment(PLOOMBER_STATS_ENABLED="false", JUPYTER_PATH=templates, PYTHONPATH=library, **more)
