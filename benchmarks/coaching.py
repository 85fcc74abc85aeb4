"""Whether coaching tells the truth that is planted in the demo company, and how fast it is for a large one."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from coaching_scale import DEALS, REPS, scale
from coaching_truth import SEEDS, against_truth
from timing import report_all

SECTIONS = ("truth", "scale")


def main() -> int:
    """Measure the sections that are asked for; outlooks on quotas are measured by `quota_outlook.py`."""
    asked = parser().parse_args()
    names = [name.strip() for name in asked.only.split(",")]
    if unknown := [name for name in names if name not in SECTIONS]:
        parser().error(f"there is no section {unknown[0]}; there are {', '.join(SECTIONS)}")
    place = (
        nullcontext(asked.folder) if asked.folder else tempfile.TemporaryDirectory(prefix="spm-benchmark-")
    )
    with place as folder:
        where = Path(folder).absolute()
        where.mkdir(parents=True, exist_ok=True)
        sections = []
        for name in names:
            print(f"Measuring: {name}", file=sys.stderr, flush=True)
            made = (
                against_truth(where, asked.seeds)
                if name == "truth"
                else scale(where, asked.reps, asked.deals)
            )
            sections.append(made)
    return report_all(sections, as_json=asked.json)


def parser() -> argparse.ArgumentParser:
    """Give the options."""
    options = argparse.ArgumentParser(description=__doc__)
    add = options.add_argument
    add("--json", action="store_true", help="print the promises as JSON")
    add("--only", default=",".join(SECTIONS), help="sections, with commas")
    add("--seeds", type=int, default=SEEDS, help="demo companies; the promise is made for the default")
    add("--reps", type=int, default=REPS, help="people of the large company")
    add("--deals", type=int, default=DEALS, help="its deals, at least")
    add("--folder", type=Path, help="keep the stores there, and use those that are there")
    return options


if __name__ == "__main__":
    sys.exit(main())
