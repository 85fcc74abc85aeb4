"""How good the deal model is beside what is planted in the demo company and beside other boosters, and how fast."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from deal_risk_company import Asked
from deal_risk_gate import SEEDS, gate
from deal_risk_rivals import rivals
from deal_risk_scale import scale
from deal_risk_truth import against_truth
from timing import Section, report_all

SECTIONS: dict[str, Callable[[Asked], Section]] = {
    "truth": against_truth,
    "gate": gate,
    "rivals": rivals,
    "scale": scale,
}
BOHANEC = Path(__file__).parents[2] / "shared" / "data" / "bohanec-b2b" / "B2B_dataset.csv"


def main() -> int:
    """Measure the sections that are asked for."""
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
        how_much = Asked(where, asked.seeds, asked.scale, asked.rounds, asked.rivals_python, asked.bohanec)
        sections = []
        for name in names:
            print(f"Measuring: {name}", file=sys.stderr, flush=True)
            sections.append(SECTIONS[name](how_much))
    return report_all(sections, as_json=asked.json)


def parser() -> argparse.ArgumentParser:
    """Give the options."""
    options = argparse.ArgumentParser(description=__doc__)
    add = options.add_argument
    add("--json", action="store_true", help="print the promises as JSON")
    add("--only", default=",".join(SECTIONS), help="sections, with commas")
    add(
        "--seeds",
        type=int,
        default=SEEDS,
        help="demo companies for the gate; the promise is made for the default",
    )
    add(
        "--scale",
        type=int,
        default=Asked.scale,
        help="size of the large company; the default has a million deal-weeks",
    )
    add("--rounds", type=int, default=Asked.rounds, help="times five folds on Bohanec's opportunities")
    add("--folder", type=Path, help="keep the stores there, and use those that are there")
    add("--rivals-python", type=Path, help="a Python that has lightgbm and catboost, where this one has not")
    add("--bohanec", type=Path, default=BOHANEC, help="the file of Bohanec's B2B opportunities")
    return options


if __name__ == "__main__":
    sys.exit(main())
