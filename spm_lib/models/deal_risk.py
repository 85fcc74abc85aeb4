"""Which open deals will be lost, or slip: fitted on the company's past, refitted as time goes on."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import skops.io

from spm_lib.errors import ModelError
from spm_lib.models import landmarks, reasons
from spm_lib.models.cores import side_by_side
from spm_lib.models.inputs import Inputs, inputs_of
from spm_lib.models.outlook import Outlook, fit_outlook
from spm_lib.models.past import Past
from spm_lib.models.reasons import Reason
from spm_lib.periods import Calendar

#: A deal is flagged where it is as likely as not at risk, and so much likelier than usual.
FLAG_FROM, FLAG_ABOVE = 0.5, 0.10
#: What a saved model is made with; another version's is fitted again.
FORMAT = 1

_ABOUT = "about.json"
#: What a saved model may hold beside plain values, arrays and what skops itself trusts. No code runs when it is read.
_TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
_SCORES = ("won", "lost", "open", "at_risk", "promised_won", "usual_at_risk", "raw_score")


@dataclass(frozen=True)
class DealRisk:
    """A fitted model. Made by `fit`, or read by `load`.

    Parameters
    ----------
    fitted_on
        The last day that it knows anything of.
    calendar
        The company's.
    outlooks
        By horizon; those that the record is too short for are missing.
    usual
        The middle value of each number among the open deals of the past year.
    deals, landmarks, won, lost
        How many deals and landmarks were there to learn from, and how many deals ended so.
    first_day
        The first landmark's.
    missing
        Features that the source cannot give: unknown for every deal on every day before the last.
    """

    fitted_on: dt.date
    calendar: Calendar
    outlooks: Mapping[str, Outlook]
    usual: Mapping[str, float]
    deals: int
    landmarks: int
    won: int
    lost: int
    first_day: dt.date
    missing: tuple[str, ...]

    @property
    def horizons(self) -> tuple[str, ...]:
        """The horizons that something is foretold over."""
        return tuple(self.outlooks)

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Score open deals.

        Parameters
        ----------
        frame
            Features, a row per landmark, in any order.

        Returns
        -------
        DataFrame
            One row per landmark and horizon, sorted by as_of, deal_id and horizon: ``as_of``, ``deal_id``,
            ``horizon``, ``horizon_ends_on`` (datetime64), ``due``; the chances ``won``, ``lost``, ``open`` (they add up
            to 1) and ``at_risk``; ``promised_won`` and ``usual_at_risk``, the rates of deals of this stage and age;
            ``raw_score`` in log-odds before calibration; ``flagged``. Over a horizon that the record is too short for
            the chances are NaN and nothing is flagged.
        """
        frame = frame.sort_values(["as_of", "deal_id"], kind="stable").reset_index(drop=True)
        inputs = inputs_of(frame)
        parts = side_by_side(lambda horizon: self._scored(frame, inputs, horizon), landmarks.HORIZONS)
        scored = pd.concat(parts, ignore_index=True)
        return scored.sort_values(["as_of", "deal_id"], kind="stable", ignore_index=True)

    def contributions(self, frame: pd.DataFrame, horizon: str) -> pd.DataFrame:
        """Give what adds up to each landmark's raw score.

        Parameters
        ----------
        frame
            Features, a row per landmark.
        horizon
            One of `horizons`.

        Returns
        -------
        DataFrame
            With the index of `frame`: ``base``, ``context``, ``days_to_expected_close`` (what being overdue adds), and a
            column per feature. Each row adds up to the raw score within 1e-6.

        Raises
        ------
        ModelError
            Where nothing is foretold over `horizon`.
        """
        outlook = self._outlook(horizon)
        asked = outlook.asked(landmarks.due_by(frame, horizon, self.calendar)[1])
        shares = outlook.at_risk.estimator.contributions(inputs_of(frame).within(asked))
        return shares.set_axis(frame.index)

    def reasons(self, frame: pd.DataFrame, horizon: str, limit: int = 3) -> list[list[Reason]]:
        """Give each landmark's reasons, the weightiest first, in the order of `frame`; see `reasons.told`."""
        return reasons.told(frame, self.contributions(frame, horizon), self.usual, limit)

    def summary(self) -> dict[str, Any]:
        """Give what was fitted, on what, and which estimator was chosen, as values that JSON has."""
        return {
            "fitted_on": self.fitted_on.isoformat(),
            "first_day": self.first_day.isoformat(),
            "deals": self.deals,
            "landmarks": self.landmarks,
            "won": self.won,
            "lost": self.lost,
            "missing_features": list(self.missing),
            "horizons": {horizon: outlook.summary() for horizon, outlook in self.outlooks.items()},
        }

    def save(self, path: Path) -> None:
        """Write the model to a file that holds values and no code."""
        plain = {
            "calendar": self.calendar.to_plain(),
            "outlooks": {horizon: outlook.to_plain() for horizon, outlook in self.outlooks.items()},
            "usual": dict(self.usual),
            "summary": self.summary(),
        }
        skops.io.dump(plain, path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(_ABOUT, json.dumps(_versions()))

    def _outlook(self, horizon: str) -> Outlook:
        if horizon not in self.outlooks:
            known = ", ".join(self.outlooks)
            raise ModelError(f"nothing is foretold over the horizon '{horizon}'", mend=f"Known: {known}")
        return self.outlooks[horizon]

    def _scored(self, frame: pd.DataFrame, inputs: Inputs, horizon: str) -> pd.DataFrame:
        ends, due = landmarks.due_by(frame, horizon, self.calendar)
        ends = ends.astype("datetime64[s]")
        scored = frame[["as_of", "deal_id"]].assign(horizon=horizon, horizon_ends_on=ends, due=due)
        if horizon not in self.outlooks or not len(frame):
            unknown = dict.fromkeys(_SCORES, np.nan)
            return scored.assign(**unknown, flagged=False)
        outlook = self.outlooks[horizon]
        raw = outlook.at_risk.estimator.raw(inputs.within(outlook.asked(due)))
        told = outlook.foretold(inputs.within(due), raw)
        risk, usual = told["at_risk"], told["usual_at_risk"]
        flagged = (risk >= FLAG_FROM) & (risk - usual >= FLAG_ABOVE)
        return scored.assign(**told, flagged=flagged)


def fit(frame: pd.DataFrame, endings: pd.DataFrame, *, cut: dt.date, calendar: Calendar) -> DealRisk:
    """Fit a model on what is known at the end of a day.

    Parameters
    ----------
    frame
        Features of landmarks, in any order; those after `cut` are left out.
    endings
        What became of them, the same rows in the same order; what ended after `cut` counts as open.
    cut
        The day.
    calendar
        The company's.

    Raises
    ------
    ModelError
        Where fewer than 200 deals were won or 200 lost by then (it says how many more it takes), or the record is
        too short for every horizon.
    """
    return fit_past(Past.of(frame, endings, cut=cut, calendar=calendar))


def fit_past(past: Past) -> DealRisk:
    """Fit a model on all that a past knows; see `fit`."""
    past.check_enough(past.cut)
    found = side_by_side(lambda horizon: fit_outlook(past, horizon), landmarks.HORIZONS)
    outlooks = {horizon: one for horizon, one in zip(landmarks.HORIZONS, found, strict=True) if one}
    if not outlooks:
        what = f"the record up to {past.cut} is too short for every horizon, or all its deals fared alike"
        raise ModelError(what, mend="Wait until more deals have ended")
    recent = past.days > np.datetime64(past.cut - dt.timedelta(days=365))
    names, numbers = past.inputs.names, past.inputs.numbers[recent]
    before = past.inputs.take(past.days < np.datetime64(past.cut))
    known = [not np.isnan(before.number(name)).all() for name in names]
    usual = {name: float(np.nanmedian(numbers[:, place])) for place, name in enumerate(names)
             if not np.isnan(numbers[:, place]).all()}  # fmt: skip
    missing = [name for name, some in zip(names, known, strict=True) if not some]
    missing += [
        name for place, name in enumerate(before.categories) if not (before.codes[:, place] >= 0).any()
    ]
    return DealRisk(
        fitted_on=past.cut,
        calendar=past.calendar,
        outlooks=outlooks,
        usual=usual,
        deals=int(past.deals.max()) + 1,
        landmarks=len(past.days),
        won=past.ended("won", past.cut),
        lost=past.ended("lost", past.cut),
        first_day=dt.date.fromisoformat(str(past.days.min())),
        missing=tuple(missing),
    )


def load(path: Path) -> DealRisk:
    """Read what `DealRisk.save` wrote; no code in it is run.

    Raises
    ------
    ModelError
        Where it cannot be read, holds anything but a model, or was written in another format or by another version of
        scikit-learn.
    """
    mend = "Fit the model again"
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(_ABOUT))
        if about != _versions():
            raise ModelError("the model was saved by another version", where=str(path), mend=mend)
        return _from_plain(skops.io.load(path, trusted=_TRUSTED))
    except ModelError:
        raise
    except Exception as error:  # whatever a damaged or foreign file makes the readers say
        what = f"the saved model cannot be read: {error}"
        raise ModelError(what, where=str(path), mend=mend) from error


def _from_plain(plain: Mapping[str, Any]) -> DealRisk:
    summary = plain["summary"]
    outlooks = {horizon: Outlook.from_plain(each) for horizon, each in plain["outlooks"].items()}
    return DealRisk(
        fitted_on=dt.date.fromisoformat(summary["fitted_on"]),
        calendar=Calendar.from_plain(plain["calendar"]),
        outlooks=outlooks,
        usual=plain["usual"],
        first_day=dt.date.fromisoformat(summary["first_day"]),
        missing=tuple(summary["missing_features"]),
        **{name: summary[name] for name in ("deals", "landmarks", "won", "lost")},
    )


def _versions() -> dict[str, Any]:
    return {"kind": "deal_risk", "format": FORMAT, "scikit-learn": sklearn.__version__}
