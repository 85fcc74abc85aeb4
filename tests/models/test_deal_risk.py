"""The model of deals at risk: exact, the same whatever the order, learned from nothing later, and saved without code."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from spm_lib.errors import ModelError
from spm_lib.models import deal_risk, skill, training
from spm_lib.models.deal_risk import DealRisk
from spm_lib.models.landmarks import HORIZONS, label
from spm_lib.models.past import FEWEST_LOST, FEWEST_WON, Past
from spm_lib.models.training import train

from .companies import CALENDAR, CUT, QUIET, company

LEARNED = CUT - dt.timedelta(days=120)


@lru_cache
def fitted() -> DealRisk:
    frame, endings = company()
    return deal_risk.fit(frame, endings, cut=LEARNED, calendar=CALENDAR)


def later() -> pd.DataFrame:
    frame, _ = company()
    return frame[frame["as_of"] > pd.Timestamp(LEARNED)]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_contributions_and_base_add_up_to_the_raw_score_of_every_deal(horizon: str) -> None:
    frame = later().sample(frac=1, random_state=3)
    raw = fitted().score(frame).set_index(["horizon", "as_of", "deal_id"])["raw_score"]
    shares = fitted().contributions(frame, horizon)
    assert shares.index.equals(frame.index)
    expected = raw.loc[horizon].loc[pd.MultiIndex.from_frame(frame[["as_of", "deal_id"]])].to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1).to_numpy(), expected, atol=1e-6)


def test_what_becomes_of_a_deal_adds_up_to_one() -> None:
    scores = fitted().score(later())
    np.testing.assert_allclose(scores["won"] + scores["lost"] + scores["open"], 1)
    assert scores[["won", "lost", "open", "at_risk"]].ge(0).all(axis=None)
    due = scores["due"]
    np.testing.assert_allclose(scores.loc[due, "at_risk"], 1 - scores.loc[due, "won"])
    np.testing.assert_allclose(scores.loc[~due, "at_risk"], scores.loc[~due, "lost"])


def test_flagged_is_likely_and_likelier_than_usual() -> None:
    scores = fitted().score(later())
    expected = (scores["at_risk"] >= 0.5) & (scores["at_risk"] - scores["usual_at_risk"] >= 0.10)
    assert scores["flagged"].equals(expected)
    assert 0 < scores["flagged"].mean() < 0.5


def test_the_order_of_rows_makes_no_difference() -> None:
    frame, endings = company()
    order = np.random.default_rng(0).permutation(len(frame))
    other = deal_risk.fit(frame.iloc[order], endings.iloc[order], cut=LEARNED, calendar=CALENDAR)
    expected = fitted().score(later())
    pd.testing.assert_frame_equal(other.score(later().sample(frac=1, random_state=1)), expected)


def test_nothing_after_the_cut_is_learned_from() -> None:
    frame, endings = company()
    endings = endings.copy()
    unknown = endings["ended_on"] > pd.Timestamp(LEARNED)
    endings.loc[unknown, "ended_as"] = "won"
    endings.loc[unknown, "ended_on"] = pd.Timestamp(LEARNED) + pd.Timedelta(days=1)
    other = deal_risk.fit(frame, endings, cut=LEARNED, calendar=CALENDAR)
    pd.testing.assert_frame_equal(other.score(later()), fitted().score(later()))


def test_calibration_is_learned_on_days_after_every_horizon_that_was_fitted_on() -> None:
    for horizon, told in fitted().summary()["horizons"].items():
        split = {name: value for name, value in told["split"].items()}
        days = 30 if horizon == "period" else int(horizon)
        last = dt.date.fromisoformat(split["fitted_to"]) + dt.timedelta(
            days=0 if horizon == "period" else days
        )
        assert last < dt.date.fromisoformat(split["calibrated_from"])
        assert dt.date.fromisoformat(split["calibrated_to"]) <= LEARNED


def test_it_foretells_deals_that_it_has_not_seen() -> None:
    frame, endings = company()
    labels = label(frame, endings, "30", CALENDAR, CUT)
    judged = ((frame["as_of"] > pd.Timestamp(LEARNED)) & labels["known"]).to_numpy()
    scores = fitted().score(frame[judged])
    scores = scores[scores["horizon"] == "30"]
    came = labels.loc[judged, "at_risk"].to_numpy()
    ours, usual = scores["at_risk"].to_numpy(), scores["usual_at_risk"].to_numpy()
    assert skill.brier(ours, came) < 0.97 * skill.brier(usual, came)
    assert skill.calibration_error(skill.calibration(ours, came)) < 0.06


def test_reasons_name_what_is_planted_and_are_there() -> None:
    frame = later()
    told = fitted().reasons(frame, "30")
    groups = [[reason.group for reason in reasons] for reasons in told]
    quiet = (frame["days_since_activity"] >= 14).to_numpy()
    rival = frame["x_rival"].notna().to_numpy()
    assert np.mean([("quiet" in given) for given, there in zip(groups, quiet, strict=True) if there]) > 0.8
    assert np.mean([("x_rival" in given) for given, there in zip(groups, rival, strict=True) if there]) > 0.8
    assert not any("x_rival" in given for given, there in zip(groups, rival, strict=True) if not there)
    assert all(len(given) <= 3 and "context" not in given for given in groups)
    first = next(reason for reasons in told for reason in reasons if reason.group == "quiet")
    assert first.points < 2 * QUIET


def test_a_new_category_and_nothing_known_are_scored() -> None:
    frame = later().head(20).copy()
    frame["x_rival"] = "Nobody ever heard of it"
    frame["stage"] = "A stage of tomorrow"
    frame["days_since_activity"] = np.nan
    frame["expected_close_on"] = pd.NaT
    frame["days_to_expected_close"] = np.nan
    scores = fitted().score(frame)
    assert scores[["at_risk", "won", "usual_at_risk", "raw_score"]].notna().all(axis=None)
    assert not scores["due"].any()
    shares = fitted().contributions(frame, "60").sum(axis=1).to_numpy()
    np.testing.assert_allclose(shares, scores.loc[scores["horizon"] == "60", "raw_score"], atol=1e-6)


def test_no_deal_is_scored_as_none() -> None:
    empty = later().head(0)
    assert fitted().score(empty).empty
    assert fitted().reasons(empty, "30") == []


@pytest.mark.parametrize("blank", ["dates", "stages", "history"])
def test_it_learns_from_what_there_is(blank: str) -> None:
    frame, endings = company()
    frame = frame.copy()
    if blank == "dates":
        frame["expected_close_on"], frame["days_to_expected_close"] = pd.NaT, np.nan
    elif blank == "stages":
        frame["stage"] = "Open"
    else:
        frame[["pushes", "days_since_activity", "contacts"]] = np.nan
    model = deal_risk.fit(frame, endings, cut=LEARNED, calendar=CALENDAR)
    now = frame[frame["as_of"] == frame["as_of"].max()]
    scores = model.score(now)
    assert scores["at_risk"].notna().all()
    raw = scores.loc[scores["horizon"] == "30", "raw_score"]
    np.testing.assert_allclose(model.contributions(now, "30").sum(axis=1), raw, atol=1e-6)
    assert ("pushes" in model.missing) == (blank == "history")


@pytest.mark.parametrize("dated", [False, True])
def test_deals_of_a_kind_never_seen_due_or_not_are_foretold_as_the_others(dated: bool) -> None:
    frame, endings = company()
    frame = frame.copy()
    now = (frame["as_of"] == frame["as_of"].max()).to_numpy()
    odd = now & (frame["deal_id"].str[-1] < "5").to_numpy()
    hidden = odd if dated else ~odd
    frame.loc[~hidden, "expected_close_on"] = frame.loc[~hidden, "as_of"]
    frame.loc[hidden, "expected_close_on"] = pd.NaT
    frame["days_to_expected_close"] = np.where(hidden, np.nan, 0.0)
    model = deal_risk.fit(frame, endings, cut=CUT, calendar=CALENDAR)
    scores = model.score(frame[now])
    assert set(scores.loc[scores["deal_id"].isin(frame.loc[odd, "deal_id"]), "due"]) == {not dated}
    np.testing.assert_allclose(scores["won"] + scores["lost"] + scores["open"], 1)
    due = scores["due"]
    np.testing.assert_allclose(scores.loc[due, "at_risk"], 1 - scores.loc[due, "won"])
    np.testing.assert_allclose(scores.loc[~due, "at_risk"], scores.loc[~due, "lost"])
    over = scores[scores["horizon"] == "30"]
    means = over.groupby("due")[["won", "lost", "at_risk", "usual_at_risk", "promised_won"]].mean()
    assert abs(means["won"].diff().iloc[-1]) < 0.15 and abs(means["lost"].diff().iloc[-1]) < 0.15
    assert (means["at_risk"] - means["usual_at_risk"]).abs().max() < 0.15
    raw = over["raw_score"].to_numpy()
    np.testing.assert_allclose(model.contributions(frame[now], "30").sum(axis=1).to_numpy(), raw, atol=1e-6)


def test_a_custom_field_that_has_gone_is_no_reason() -> None:
    now = later().tail(30).drop(columns="x_rival")
    assert fitted().score(now)["at_risk"].notna().all()
    told = fitted().reasons(now, "30")
    assert any(told) and not any(reason.group == "x_rival" for reasons in told for reason in reasons)


def test_without_later_outcomes_to_calibrate_by_chances_stay_as_they_came_out() -> None:
    frame, endings = company()
    past = Past.of(frame, endings, cut=CUT, calendar=CALENDAR)
    came = past.outcomes["30"]
    late = past.days > np.datetime64(CUT - dt.timedelta(days=200))
    chance = train(past.landmarks("30", came.at_risk & ~late), came.known)
    assert chance is not None
    assert (chance.slope, chance.intercept, chance.split.calibrated) == (1.0, 0.0, 0)
    assert chance.split.fitted_to < chance.split.calibrated_from


def test_estimators_are_compared_on_other_deals_or_on_other_days(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, endings = company()
    past = Past.of(frame, endings, cut=CUT, calendar=CALENDAR)
    came = past.outcomes["90"]
    whole = past.landmarks("90", came.at_risk)
    compared = []
    monkeypatch.setattr(training, "compare", lambda early, judge: compared.append((early, judge)) or ({}, 0))
    train(whole, came.known)
    train(replace(whole, deals=whole.deals % 400), came.known)
    (early, judge), (before, after) = compared
    assert not np.isin(judge.deals, early.deals).any()
    assert before.ends.max() < after.days.min()


def test_too_few_deals_are_counted_and_refused() -> None:
    frame, endings = company()
    few = frame["deal_id"] < "D0100"
    with pytest.raises(ModelError) as refused:
        deal_risk.fit(frame[few], endings[few], cut=CUT, calendar=CALENDAR)
    past = Past.of(frame[few], endings[few], cut=CUT, calendar=CALENDAR)
    for kind, fewest in (("won", FEWEST_WON), ("lost", FEWEST_LOST)):
        count = past.ended(kind, CUT)
        assert f"{count} {kind} deals: {fewest - count} more are needed" in str(refused.value)


def test_ten_deals_and_none_are_refused() -> None:
    frame, endings = company()
    ten = frame["deal_id"] < "D0010"
    for some in (ten, ten & False):
        with pytest.raises(ModelError, match="more are needed"):
            deal_risk.fit(frame[some], endings[some], cut=CUT, calendar=CALENDAR)


def test_one_outcome_only_is_refused() -> None:
    frame, endings = company()
    all_lost = endings.assign(ended_as=endings["ended_as"].where(endings["ended_as"].isna(), "lost"))
    with pytest.raises(ModelError, match="0 won deals: 200 more are needed"):
        deal_risk.fit(frame, all_lost, cut=CUT, calendar=CALENDAR)


def test_a_horizon_that_the_record_is_too_short_for_is_left_out() -> None:
    frame, endings = company()
    since = CUT - dt.timedelta(days=110)
    recent = frame["as_of"] > pd.Timestamp(since)
    frame, endings = frame[recent], endings[recent]
    many = pd.concat([frame.assign(deal_id=frame["deal_id"] + mark) for mark in "abcde"], ignore_index=True)
    ends = pd.concat([endings] * 5, ignore_index=True)
    model = deal_risk.fit(many, ends, cut=CUT, calendar=CALENDAR)
    assert "30" in model.horizons and "90" not in model.horizons
    scores = model.score(many.tail(5)).set_index("horizon")
    assert scores.loc["30", "at_risk"].notna().all()
    assert scores.loc["90", "at_risk"].isna().all() and not scores.loc["90", "flagged"].any()
    with pytest.raises(ModelError, match="nothing is foretold over the horizon '90'"):
        model.contributions(many.tail(5), "90")


def test_a_saved_model_scores_the_same(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    fitted().save(path)
    read = deal_risk.load(path)
    pd.testing.assert_frame_equal(read.score(later()), fitted().score(later()))
    assert read.reasons(later().head(30), "60") == fitted().reasons(later().head(30), "60")
    assert read.summary() == fitted().summary()


def test_a_model_of_another_version_is_refused(tmp_path: Path) -> None:
    path, other = tmp_path / "model.skops", tmp_path / "other.skops"
    fitted().save(path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "about.json":
                body = json.dumps({**json.loads(body), "scikit-learn": "0.1"}).encode()
            new.writestr(name, body)
    with pytest.raises(ModelError, match=r"another version.*Fit the model again"):
        deal_risk.load(other)


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    fitted().save(path)
    about = zipfile.ZipFile(path).read("about.json")
    foreign = tmp_path / "foreign.skops"
    skops.io.dump({"summary": Past}, foreign)
    with zipfile.ZipFile(foreign, "a") as archive:
        archive.writestr("about.json", about)
    damaged = tmp_path / "damaged.skops"
    damaged.write_bytes(path.read_bytes()[:5000])
    for bad in (foreign, damaged):
        with pytest.raises(ModelError, match="cannot be read"):
            deal_risk.load(bad)
