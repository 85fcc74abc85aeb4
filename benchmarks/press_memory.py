"""Many reports in a row: whether the press's own memory grows. Kernels are not its own: each makes one report."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil

sys.path.insert(0, str(Path(__file__).parent))
from press_company import TEAM_SPEC, Asked, CommandError, Company, environment
from timing import Section, at_most

LIMIT = 1.10
FULL_REPORTS = 1_000
FIRST = 100  # reports after which memory should have settled
MARGIN = 0.1  # of these: memory is the middle of what was seen over so many reports
PAUSE = 0.25  # seconds between two looks

#: What the command lines of workers and of the servers that kernels are forked from say.
WORKER, SERVER = "multiprocessing.spawn", "spm_lib.press.kernels"

SPEC = """\
# A small report of each team, for so many months that there are enough of them.
notebook: small
for_each: {{team: all, period: last-{months}-months}}
as_of: latest
"""

#: Small, but with a picture for page and mail: what renders pictures could hold memory too.
CELLS = (
    ("parameters", 'team: str = ""\nperiod: str = "this-quarter"\nas_of: str = "latest"'),
    ("hide", "import spm_lib as spm\n\nreport = spm.open_report(team=team, period=period, as_of=as_of)"),
    (
        "email",
        "from IPython.display import SVG\n\n"
        'bars = "".join(f\'<rect x="{8 * i}" width="6" height="{i}"/>\' for i in range(80))\n'
        'SVG(f\'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="80">{bars}</svg>\')',
    ),
    ("hide", 'report.publish(f"A small report of {report.name}", report.evaluate("revenue"))'),
)


@dataclass(frozen=True)
class Look:
    """One look at the press: reports made so far; bytes of its own processes; bytes of its kernel servers."""

    reports: int
    own: int
    servers: int


def memory(company: Company, asked: Asked) -> Section:
    """Make small reports in one call, and look at its processes meanwhile."""
    teams = len(company.plan(TEAM_SPEC))
    write_notebook(company.notebooks / "small.ipynb")
    spec = company.new_spec("small", SPEC.format(months=math.ceil(asked.reports / teams)))
    expected = len(company.plan(spec))
    section = Section(f"Memory over {expected} small reports in a row")
    if expected < 2 * FIRST:
        section.unmeasured.append(f"memory: {expected} reports are too few, at least {2 * FIRST} are needed")
        return section
    looks = list(watch(company.command(spec, "small", (), "--force"), company.shelf("small")))
    if looks[-1].reports < expected:
        raise CommandError(f"{looks[-1].reports} of {expected} small reports were made")
    begin, end = settled(looks, FIRST), settled(looks, expected - FIRST * MARGIN)
    what = f"the press's own memory after {expected} reports, times that after the first {FIRST}"
    section.claim(at_most(what, LIMIT, end.own / begin.own), full=expected >= FULL_REPORTS)
    for when, look in ((f"After {FIRST} reports", begin), ("At the end", end)):
        servers = f"; servers that kernels are forked from: {look.servers / 2**20:.0f} MB"
        section.notes.append(
            f"{when}: main process and workers {look.own / 2**20:.0f} MB{servers if look.servers else ''}"
        )
    return section


def write_notebook(path: Path) -> None:
    """Write the small notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book.cells = [nbformat.v4.new_markdown_cell("# A small report")]
    book.cells += [nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}) for tag, source in CELLS]
    nbformat.write(book, path)


def watch(command: list[str], shelf: Path) -> Iterator[Look]:
    """Call the command, and look until it ends. The shelf must hold no records of an earlier call."""
    for record in shelf.glob("*/*/*/*.json"):
        record.unlink()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment())
        try:
            while True:
                # Before it has ended: after that, nothing is left to look at.
                with suppress(subprocess.TimeoutExpired):
                    process.wait(PAUSE)
                yield Look(sum(1 for _ in shelf.glob("*/*/*/*.json")), *sizes(process.pid))
                if process.returncode is not None:
                    break
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        if process.returncode:
            raise CommandError("\n".join(said.read().decode(errors="replace").splitlines()[-15:]))


def sizes(main: int) -> tuple[int, int]:
    """Give resident bytes of the press's own processes and of its kernel servers.

    Its own are the main process and the workers that it spawned itself. A kernel is a child of either or, where it
    is forked, of a server, whose command line it bears then: nobody looks at the children of a server.
    """
    own = servers = 0
    with suppress(psutil.Error):
        root = psutil.Process(main)
        own += root.memory_info().rss
        for child in root.children():
            if called(child, WORKER):
                own += resident(child)
                servers += sum(resident(under) for under in children(child) if called(under, SERVER))
            elif called(child, SERVER):
                servers += resident(child)
    return own, servers


def called(process: psutil.Process, part: str) -> bool:
    """Tell whether a process was started with `part` in its command line."""
    with suppress(psutil.Error):
        return part in " ".join(process.cmdline())
    return False


def resident(process: psutil.Process) -> int:
    """Give a process's resident bytes, none where it has ended."""
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def children(process: psutil.Process) -> list[psutil.Process]:
    """Give a process's own children."""
    with suppress(psutil.Error):
        return list(process.children())
    return []


def settled(looks: list[Look], reports: float) -> Look:
    """Give the middle of what was seen from `reports` on, over a tenth of the first hundred."""
    last = max(look.reports for look in looks)
    span = [look for look in looks if reports <= look.reports <= reports + FIRST * MARGIN and look.own]
    span = [look for look in span if look.reports < last] or span
    return Look(
        int(reports),
        int(statistics.median(s.own for s in span)),
        int(statistics.median(s.servers for s in span)),
    )
