"""The deal-risk model's card in tables and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from babel.numbers import format_decimal
from markupsafe import Markup
from matplotlib.figure import Figure

from spm_lib.present.chart import draw_chart, title_of
from spm_lib.present.display import EMPTY, Block, clean, joined, nothing
from spm_lib.present.findings.risk_features import feature_words
from spm_lib.present.findings.risk_model import (
    BASELINES,
    CLEARLY_MOVED,
    ESTIMATORS,
    FIRST,
    MOVED,
    Card,
    day_words,
    horizon_words,
)
from spm_lib.present.findings.risk_words import chance, gate_words
from spm_lib.present.kpi import Kpi, kpi_strip
from spm_lib.present.prose import plural
from spm_lib.present.rows import Figures, bars, rows_board, whiskers
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look


def model_kpis(figures: pd.DataFrame, *, look: Look | None = None) -> Block:
    """Show the key figures of the model's card: rows of `spm_lib.models.risk_figures.model_figures`."""
    rows = figures[figures["value"].notna()].to_dict("records")
    if not rows:
        return EMPTY
    return kpi_strip([Kpi.from_row(row, str(row["label"])) for row in rows], look)


def model_facts(card: Card, *, look: Look | None = None) -> Block:
    """Show what the model was made of: data, splits, features.

    Parameters
    ----------
    card
        See `spm_lib.models.risk_card.RiskCard`.
    look
        How numbers are written.
    """
    look = look or Look()
    if card.record is None:
        return EMPTY
    data, split = card.data, card.split(FIRST)
    rows = [
        ("Model", card.record.model_id),
        ("Fitted on", look.date(card.record.fitted_on)),
        (
            "What it sees",
            f"{plural(data.get('landmarks'), 'deal-day', look=look)}: each open deal on each day looked back at",
        ),
    ]
    if split.get("fitted"):
        rows += [
            ("Kind, over 30 days", ESTIMATORS.get(str(split["estimator"]), str(split["estimator"]))),
            (
                "Fitted with",
                f"{plural(split['fitted'], 'deal-day', look=look)} of "
                f"{plural(split.get('fitted_deals'), 'deal', look=look)}, {_span(split, 'fitted', look)}",
            ),
            (
                "Chances set by",
                f"{plural(split['calibrated'], 'later deal-day', look=look)}, "
                f"{_span(split, 'calibrated', look)}",
            ),
        ]
    if card.origins:
        days = ", ".join(look.date(day) for day in card.origins)
        rows.append(("Judged", f"by models fitted on {days}, each on the days after it"))
    rows.append(
        ("Features", f"{len(card.used)} used, {len(card.absent) or 'none'} that the source cannot give")
    )
    frame = pd.DataFrame(rows, columns=["what", "value"])
    return table(
        frame,
        {"what": "What", "value": Column("Value", "prose")},
        caption="What the model was made of",
        look=look,
    )


def skill_chart(card: Card, *, look: Look | None = None, message: str = "", alt: str = "") -> Block:
    """Draw by how much the model's squared error lies below that of the best baseline, with its interval.

    Parameters
    ----------
    card
        See `spm_lib.models.risk_card.RiskCard`.
    look, message, alt
        As in `attainment_chart`.
    """
    look = look or Look()
    judged = card.judged
    judged = judged[judged["brier_skill"].notna()]
    if judged.empty:
        return nothing(
            gate_words(card.note, card.lacking, look) or "no model was judged", "How good the model is"
        )
    values = [float(v) for v in judged["brier_skill"]]
    tones = ["good" if opened else "neutral" for opened in judged["open"]]
    columns = [
        Figures("", ["▲" if opened else "" for opened in judged["open"]], tones),
        Figures("AC", [look.value(v, "share") for v in values], tones),
        Figures("deals", [look.value(n, "count", compact=False) for n in judged["deals"]], small=True),
    ]
    ends = [*judged["low"].fillna(0.0), *judged["high"].fillna(0.0), *values, 0.0]

    def paint() -> Figure:
        names = [horizon_words(each) for each in judged["horizon"]]
        figure, axes = rows_board(names, columns, span=(min(ends), max(ends)))
        bars(axes, values)
        bounds = [(float(a), float(b)) for a, b in zip(judged["low"], judged["high"], strict=True)]
        whiskers(axes, bounds)
        return figure

    first = judged.iloc[0]
    baseline = BASELINES.get(str(first["baseline"]), "the baseline")
    made = (
        f"Over {horizon_words(first['horizon'])} the squared error is {look.value(first['brier_skill'], 'share')} below "
        f"that of {baseline}, from "
        f"{look.interval(first['low'], first['high'], 'share')}."
    )
    title = title_of("Squared error below that of the best baseline, in %", "", "AC", own_scale=True)
    data = table(
        judged.assign(_name=[horizon_words(each) for each in judged["horizon"]]),
        {
            "_name": "Horizon",
            "brier_skill": Column("Skill", "share"),
            "low": Column("95% interval", "interval", high="high", of="share"),
            "deals": Column("Deals", "count"),
        },
        caption=title,
        look=look,
    )
    notes = [
        "▲ clearly better: the whole interval lies above 0. Without it no chance is shown, and rules stand in."
    ]
    return draw_chart(paint, alt=alt or made, title=title, message=message, data=data, notes=notes)


def skill_table(card: Card, *, look: Look | None = None) -> Block:
    """Show how the model fared on the past, by horizon; see `skill_chart`."""
    look = look or Look()
    judged = card.judged
    if judged.empty:
        return EMPTY
    shown = judged.assign(
        _name=[horizon_words(each) for each in judged["horizon"]],
        _brier=[_decimal(value, 3, look) for value in judged["brier"]],
        _baseline=[_decimal(value, 3, look) for value in judged["baseline_brier"]],
    )
    return table(
        shown,
        {
            "_name": "Horizon",
            "base_rate": Column("At risk", "share"),
            "auc": Column("AUC", "share"),
            "auc_new_deals": Column("AUC, new deals", "share"),
            "top_lift": Column("Top tenth", "ratio"),
            "calibration_error": Column("Off by", "points"),
            "_brier": Column("Brier", "written"),
            "_baseline": Column("Baseline", "written"),
            "deals": Column("Deals", "count"),
        },
        caption="How the model fared on days after those it knew, by horizon",
        look=look,
        notes=[
            "AUC: of two deals, how often the one that came to be at risk had the higher chance; "
            f"{chance(0.5, look)} is guessing. "
            "Top tenth: how many times as many of the tenth told riskiest came to be at risk as of all. "
            "Off by: the mean distance of chance and outcome in ten groups. "
            "Brier: the mean squared distance, 0 at best; the baseline's beside it."
        ],
    )


def segments_table(card: Card, *, look: Look | None = None) -> Block:
    """Show how the model fared on parts of the company over 30 days; see `skill_chart`."""
    look = look or Look()
    parts = card.segments(FIRST)
    if parts.empty:
        return nothing(
            "no model was judged" if card.judged.empty else "no part of the company is large enough",
            "How the model fared on parts",
        )
    named = parts.assign(_kind=[str(kind).capitalize() for kind in parts["kind"]])
    return table(
        named,
        {
            "name": "Part",
            "_kind": "Of",
            "deals": Column("Deals", "count"),
            "foretold": Column("Told", "share"),
            "base_rate": Column("At risk", "share"),
            "auc": Column("Pairs told right", "share"),
            "brier_skill": Column("Below the baseline", "share"),
        },
        caption="How the model fared on parts of the company, over 30 days",
        look=look,
        notes=["Below the baseline: by how much its squared error is lower; negative where it is worse."],
    )


def drift_table(card: Card, *, look: Look | None = None) -> Block:
    """Show how far each main feature has moved in the last four weeks; see `skill_chart`."""
    look = look or Look()
    drift = card.drift
    if drift.empty:
        return EMPTY
    shown = drift.assign(
        _name=[clean(feature_words(name)).capitalize() for name in drift["feature"]],
        _value=[_decimal(value, 2, look) for value in drift["value"]],
        _word=[_moved(value) for value in drift["value"]],
    )
    return table(
        shown,
        {"_name": "Feature", "_value": Column("Stability index", "written"), "_word": "Moved"},
        caption="Main features: the last four weeks against all before",
        look=look,
        notes=[
            f"Population stability index: under {_decimal(MOVED, 1, look)} as before, "
            f"from {_decimal(CLEARLY_MOVED, 2, look)} clearly another. "
            "What grows with the length of the record moves by itself."
        ],
    )


def points(texts: Sequence[str]) -> Block:
    """Show sentences as a list; nothing, where there are none."""
    said = [clean(text, 600) for text in texts if text.strip()]
    if not said:
        return EMPTY
    items = joined(Markup("<li>{}</li>").format(text) for text in said)
    return Block(
        Markup('<ul class="spm spm-points">{}</ul>').format(items),
        "\n".join(f"- {text}" for text in said),
    )


def _span(split: Mapping[str, Any], what: str, look: Look) -> str:
    first, last = (day_words(split.get(f"{what}_{end}"), look) for end in ("from", "to"))
    return f"{first} to {last}"


def _moved(value: Any) -> str:
    return "clearly" if value >= CLEARLY_MOVED else "somewhat" if value >= MOVED else "no"


def _decimal(value: float, places: int, look: Look) -> str:
    """Write a bare number with so many decimals as the locale does."""
    return str(format_decimal(value, f"0.{'0' * places}", locale=look.locale))
