"""How fast the press is: beside other ways of making the same reports, above its cells, with nothing to do, in a row."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from press_company import Asked, CommandError, Company, new_company
from press_dask import dask
from press_memory import memory
from press_profile import profile
from press_throughput import overhead, throughput
from press_unchanged import unchanged
from timing import Section, report_all

SECTIONS: dict[str, Callable[[Company, Asked], Section]] = {
    "throughput": throughput,
    "overhead": overhead,
    "unchanged": unchanged,
    "memory": memory,
    "dask": dask,
}


def main() -> int:
    """Measure the sections that are asked for."""
    asked = parser().parse_args()
    names = [name.strip() for name in asked.only.split(",")]
    if unknown := [name for name in names if name not in SECTIONS]:
        parser().error(f"there is no section {unknown[0]}; there are {', '.join(SECTIONS)}")
    how_much = Asked(asked.teams, asked.loop_teams, asked.rounds, asked.reports, asked.ploomber_python)
    place = (
        nullcontext(asked.folder) if asked.folder else tempfile.TemporaryDirectory(prefix="spm-benchmark-")
    )
    with place as folder:
        try:
            company = new_company(Path(folder).absolute(), how_much.teams)
            if asked.profile:
                profile(company, how_much, as_json=asked.json)
                return 0
            sections = []
            for name in names:
                print(f"Measuring: {name}", file=sys.stderr, flush=True)
                sections.append(SECTIONS[name](company, how_much))
        except CommandError as error:
            print(error, file=sys.stderr)
            return 2
    return report_all(sections, as_json=asked.json)


def parser() -> argparse.ArgumentParser:
    """Give the options."""
    options = argparse.ArgumentParser(description=__doc__)
    add = options.add_argument
    add("--json", action="store_true", help="print the promises as JSON")
    add("--only", default=",".join(SECTIONS), help="sections, with commas: by default %(default)s")
    add("--teams", type=int, default=Asked.teams, help="teams; the promises are made for the default")
    add("--loop-teams", type=int, default=Asked.loop_teams, help="teams of the slow shell loops")
    add("--rounds", type=int, default=Asked.rounds)
    add("--reports", type=int, default=Asked.reports, help="small reports in a row; promised for 1000")
    add("--folder", type=Path, help="keep store and reports here, and use what is there")
    add("--ploomber-python", type=Path, help="a Python that has ploomber-engine and what the notebook needs")
    add("--profile", action="store_true", help="print where a report's time goes, and measure nothing else")
    return options


if __name__ == "__main__":
    sys.exit(main())
