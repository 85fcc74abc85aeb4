"""Delivery: senders killed at random moments, and how many mails with a report leave a minute, on a real mail server."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "press" / "deliver"))
from browser.shelves import demo_shelf
from killing import CONNECTIONS, KILLED_WITHIN, RECIPIENTS, Senders, fill, killed_send, mail_server, verdict
from smtp_servers import accepted
from timing import Section, Timed, at_least, at_most, report_all

from spm_lib.data.ingest import ingest

ROOT = Path(__file__).parent.parent

#: What the promises are made for; of less nothing is claimed.
KILLS, MAILS = 500, 2_000

MAILS_A_SECOND = 40.0
MEMORY_LIMIT = 1.10


def main() -> int:
    """Measure the sections that are asked for."""
    asked = parser().parse_args()
    sections: dict[str, Callable[[], Section]] = {
        "kills": lambda: kills(asked.kills, asked.seed),
        "throughput": lambda: throughput(asked.mails),
    }
    names = [name.strip() for name in asked.only.split(",")]
    if unknown := [name for name in names if name not in sections]:
        parser().error(f"there is no section {unknown[0]}; there are {', '.join(sections)}")
    made = []
    for name in names:
        print(f"Measuring: {name}", file=sys.stderr, flush=True)
        made.append(sections[name]())
    return report_all(made, as_json=asked.json)


def parser() -> argparse.ArgumentParser:
    """Give the options."""
    options = argparse.ArgumentParser(description=__doc__)
    add = options.add_argument
    add("--json", action="store_true", help="print the promises as JSON")
    add("--only", default="kills,throughput", help="sections, with commas")
    add("--kills", type=int, default=KILLS, help="senders to kill; the promise is made for the default")
    add("--mails", type=int, default=MAILS, help="mails to send; the promise is made for the default")
    add("--seed", type=int, default=7, help="of the moments at which senders are killed")
    return options


def kills(wanted: int, seed: int) -> Section:
    """Kill senders of sixty mails, each send until it gets through, and read the server's own log."""
    chance = random.Random(seed)
    ledgers: list[Path] = []
    in_hand: list[int] = []
    handed: list[int] = []
    with tempfile.TemporaryDirectory(prefix="spm-benchmark-") as name:
        folder = Path(name)
        with mail_server(folder) as server, Senders() as senders:
            while len(handed) < wanted:
                ledgers.append(folder / f"{len(ledgers)}.ledger.sqlite")
                fill(ledgers[-1], f"send-{len(ledgers)}", RECIPIENTS)
                most = wanted - len(handed)
                found = killed_send(
                    senders, ledgers[-1], server.port, chance, most=most, within=KILLED_WITHIN
                )
                in_hand += found.in_hand
                handed += found.handed
        told = verdict(ledgers, server.log)
    section = Section(f"{len(handed)} senders killed, over {len(ledgers)} sends to {RECIPIENTS} recipients")
    full = wanted >= KILLS
    what = "mails that arrived twice, or were lost, or of which the outbox says what the server does not"
    section.claim(at_most(what, 0, len(told.wrong)), full=full)
    ended = sum(told.states[state] for state in ("accepted", "rejected", "unknown"))
    mails = RECIPIENTS * len(ledgers)
    section.claim(
        at_least("share of mails that are accepted, rejected or named unknown", 1.0, ended / mails), full=full
    )
    section.notes += [
        ", ".join(f"{state} {count}" for state, count in sorted(told.states.items())),
        f"Of the unknown, {told.arrived_unknown} had arrived",
        f"Kills while content was being handed over: {sum(map(bool, handed))}; while a mail was in hand before that: "
        f"{sum(bool(a) and not b for a, b in zip(in_hand, handed, strict=True))}; at other moments: "
        f"{sum(not (a or b) for a, b in zip(in_hand, handed, strict=True))}",
        *told.wrong[:10],
    ]
    return section


def throughput(mails: int) -> Section:
    """Send mails with a real report page attached as fast as they go."""
    page = report_page()
    with tempfile.TemporaryDirectory(prefix="spm-benchmark-") as name:
        log = Path(name) / "accepted.txt"
        program = ROOT / "tests" / "press" / "deliver" / "smtp_servers.py"
        server = subprocess.Popen(
            [sys.executable, str(program), "--log", str(log)], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            sender = [sys.executable, str(Path(__file__).with_name("delivery_sender.py"))]
            ran = subprocess.run(
                [*sender, str(port), f"{name}/l.ledger.sqlite", str(page), str(mails)],
                stdout=subprocess.PIPE,
                check=True,
            )
        finally:
            server.terminate()
            server.communicate(timeout=30)
        told = json.loads(ran.stdout)
        arrived = accepted(log)
    full = mails >= MAILS
    section = Section(f"{mails} mails, each with its report of {page.stat().st_size / 1000:.0f} KB attached")
    section.timed = [Timed(f"{CONNECTIONS} connections, no limit", (told["seconds"],))]
    rate = mails / told["seconds"]
    section.claim(at_least("mails a second", MAILS_A_SECOND, rate), full=full)
    section.claim(at_most("mails that did not arrive once", 0, not_once(arrived, mails)), full=full)
    growth = told["memory_at_end"] / told["memory_at_first"]
    section.claim(
        at_most("memory at the end, times that after the first 200 mails", MEMORY_LIMIT, growth), full=full
    )
    section.notes += [
        f"The sender held {told['memory_at_first'] / 1e6:.0f} MB, then {told['memory_at_end'] / 1e6:.0f} MB",
        f"Each mail was made anew and took {told['size'] / 1000:.0f} KB as it travelled; the sender had "
        f"{told['processor_seconds'] / mails * 1000:.1f} ms of a core a mail",
    ]
    return section


def not_once(arrived: Sequence[tuple[str, str]], mails: int) -> int:
    """Count the mails that are missing in a server's log, and those that stand in it more than once."""
    times = Counter(arrived)
    return abs(mails - len(times)) + sum(count > 1 for count in times.values())


def report_page() -> Path:
    """Give the page of a team's report, made where it is not fresh."""
    folder = ROOT / "out" / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / "demo.duckdb"
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    ingest(ROOT / "params" / "sources" / "demo.yml", store, now=now, strict=True)
    return demo_shelf(store, folder).page("report")


if __name__ == "__main__":
    sys.exit(main())
