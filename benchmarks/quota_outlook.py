"""How true the outlooks on quotas are: demo companies of which the end of each quarter is known, beside pace alone."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from deal_risk_company import NOW, SPEC
from timing import Section, at_least, at_most, report_all

from spm_lib.data.history import Snapshot
from spm_lib.data.ingest import ingest
from spm_lib.data.store import Store, open_store
from spm_lib.models import skill
from spm_lib.models.features import deal_features
from spm_lib.models.inputs import inputs_of
from spm_lib.models.landmarks import deal_endings, due_by, landmark_days
from spm_lib.models.outlook import fit_outlook
from spm_lib.models.past import Past
from spm_lib.models.quota_outlook import fit_calibration, pace_miss, quarter_chances, quota_outlook
from spm_lib.models.quota_standing import final_revenue
from spm_lib.periods import Period, last_periods, period_at

#: What the promise is made for.
SEEDS, QUARTERS = 20, 5
#: Shares of a quarter that are over when it is looked at.
POINTS = (1 / 3, 2 / 3)
MOST_ERROR = 0.03
#: Sides by the column that holds what they told.
SIDES = {
    "outlook": "outlook",
    "uncorrected": "outlook, not calibrated",
    "model": "outlook, with the chances of the deal model",
    "model_uncorrected": "outlook, with the chances of the deal model, not calibrated",
    "pace": "pace alone",
}


def main() -> int:
    """Measure the outlooks of as many companies as are asked for."""
    asked = parser().parse_args()
    place = (
        nullcontext(asked.folder) if asked.folder else tempfile.TemporaryDirectory(prefix="spm-benchmark-")
    )
    with place as folder:
        where = Path(folder).absolute()
        where.mkdir(parents=True, exist_ok=True)
        told = []
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            begun = time.perf_counter()
            told.append(of_company(where, seed, asked.scale, asked.quarters))
            took = time.perf_counter() - begun
            print(f"seed {seed}: {len(told[-1])} outlooks, {took:.0f} s", file=sys.stderr, flush=True)
        rows = pd.concat(told, ignore_index=True)
        if asked.rows:
            rows.to_csv(asked.rows, index=False)
    full = asked.seeds >= SEEDS and asked.quarters >= QUARTERS
    return report_all([judged(rows, full=full)], as_json=asked.json)


def of_company(folder: Path, seed: int, scale: int, quarters: int) -> pd.DataFrame:
    """Give every outlook on the last quarters of a demo company that are over, and what came."""
    with open_store(stored(folder, seed, scale)) as store:
        end = store.as_of()
        calendar = end.meta.calendar
        weekly = deal_features(end, landmark_days(end))
        endings = deal_endings(end, weekly)
        parts = []
        for quarter in last_periods(period_at(calendar.own("quarter"), end.date, calendar), quarters):
            days = [quarter.start + dt.timedelta(days=int(share * quarter.days) - 1) for share in POINTS]
            # As `spm score` would have fitted it on the first of the days: nothing later is known to it.
            past = Past.of(weekly, endings, cut=days[0], calendar=calendar)
            parts += list(on_quarter(store, quarter, days, by_model(end, days, past)))
        rows = pd.concat(parts, ignore_index=True)
    return rows.assign(seed=seed)


def on_quarter(
    store: Store, quarter: Period, days: Sequence[dt.date], scores: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    """Give the outlooks of some days on a quarter, with the chances that the deal model gave on each."""
    final = final_revenue(store.as_of(), quarter)
    for day, share in zip(days, POINTS, strict=True):
        # As if the store had been asked on that day: nothing later is known.
        then = store.as_of(day)
        calibration, usual = fit_calibration(then), quarter_chances(then)
        scored = scores[scores["as_of"] == pd.Timestamp(day)]
        rows = quota_outlook(then, usual, calibration=calibration)
        told = {
            "outlook": miss(rows),
            "uncorrected": miss(quota_outlook(then, usual)),
            "model": miss(quota_outlook(then, scored, calibration=calibration)),
            "model_uncorrected": miss(quota_outlook(then, scored)),
            "pace": miss(pace_miss(then)),
        }
        for name, chances in told.items():
            rows[name] = rows["rep_id"].map(chances).astype("float64")
        rows["final"] = rows["rep_id"].map(final)
        rows["missed"] = rows["final"] < rows["quota"]
        yield rows.assign(quarter=quarter.label, share=share, as_of=day)


def by_model(end: Snapshot, days: Sequence[dt.date], past: Past) -> pd.DataFrame:
    """Give the deal model's chances to be won by the end of the quarter; of its horizons this one alone is fitted."""
    outlook = fit_outlook(past, "period")
    frame = deal_features(end, days)
    _, due = due_by(frame, "period", past.calendar)
    if outlook is None:
        return frame[["as_of", "deal_id"]].assign(won=np.nan)
    inputs = inputs_of(frame)
    raw = outlook.at_risk.estimator.raw(inputs.within(outlook.asked(due)))
    return frame[["as_of", "deal_id"]].assign(won=outlook.foretold(inputs.within(due), raw)["won"])


def miss(frame: pd.DataFrame) -> pd.Series:
    """Give the probabilities by rep."""
    return frame.set_index("rep_id")["miss"]


def stored(folder: Path, seed: int, scale: int) -> Path:
    """Make the store of a demo company where it is not there yet."""
    store = folder / f"demo-{seed}-{scale}.duckdb"
    if not store.exists():
        source = folder / f"demo-{seed}-{scale}.yml"
        source.write_text(SPEC.format(seed=seed, scale=scale), "utf-8")
        making = store.with_suffix(f".{os.getpid()}.duckdb")
        ingest(source, making, now=NOW, strict=True)
        making.rename(store)
    return store


def judged(rows: pd.DataFrame, *, full: bool) -> Section:
    """Compare what each side told with what came."""
    companies = rows["seed"].nunique()
    section = Section(f"Outlooks on quotas, {companies} demo companies")
    came = rows["missed"].to_numpy(dtype=bool)
    quarters = len(rows[["seed", "quarter", "rep_id"]].drop_duplicates())
    section.notes.append(
        f"{quarters:,} quarters of reps, each looked at on up to {len(POINTS)} days: {len(rows):,} outlooks, "
        f"{came.mean():.1%} of them on quotas that were missed"
    )
    for name, title in SIDES.items():
        section.notes.append(f"{title}: {_figures(rows[name].to_numpy(), came)}")
        for share, part in rows.groupby("share"):
            figures = _figures(part[name].to_numpy(), part["missed"].to_numpy(dtype=bool))
            section.notes.append(f"    {share:.0%} of the quarter over: {figures}")
    table = skill.calibration(rows["outlook"].to_numpy(), came)
    bins = ", ".join(f"{each.foretold:.2f} → {each.came:.2f}" for each in table)
    section.notes.append(f"told → happened: {bins}")
    within = ((rows["final"] >= rows["low"]) & (rows["final"] <= rows["high"])).mean()
    section.notes.append(f"revenue at the end inside the 80 % range: {within:.1%}")
    # Reps of one company share what a quarter brings: whole quarters of companies are drawn.
    codes, _ = pd.factorize(rows["seed"].astype(str) + " " + rows["quarter"])
    losses = {name: (rows[name].to_numpy() - came) ** 2 for name in SIDES}
    for name in ("outlook", "model"):
        found = skill.brier_skill(losses[name], {"pace": losses["pace"]}, codes.astype(np.int64))
        section.notes.append(
            f"{SIDES[name]}: squared error {found.value:.1%} below that of pace alone (95 % interval {found.low:.1%} to "
            f"{found.high:.1%})"
        )
        if name == "outlook":
            error = skill.calibration_error(table)
            section.claim(at_most("calibration error of the outlook", MOST_ERROR, error), full=full)
            section.claim(at_least("improvement on pace alone, lower bound", 0.0, found.low), full=full)
    return section


def _figures(chances: np.ndarray, came: np.ndarray) -> str:
    error = skill.calibration_error(skill.calibration(chances, came))
    return f"Brier score {skill.brier(chances, came):.4f}, calibration error {error:.4f}"


def parser() -> argparse.ArgumentParser:
    """Give the options."""
    options = argparse.ArgumentParser(description=__doc__)
    add = options.add_argument
    add("--json", action="store_true", help="print the promises as JSON")
    add(
        "--seeds", type=int, default=SEEDS, help="demo companies; the promise is made for the default or more"
    )
    add("--first-seed", type=int, default=1, help="the first of them")
    add("--quarters", type=int, default=QUARTERS, help="quarters of each, the last that are over")
    add("--scale", type=int, default=1, help="size of each company")
    add("--folder", type=Path, help="keep the stores there, and use those that are there")
    add("--rows", type=Path, help="write every outlook and what came to this file")
    return options


if __name__ == "__main__":
    sys.exit(main())
