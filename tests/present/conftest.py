"""Frames as the metrics give them, one block of each kind made of any name, and a strict reader of markup."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from types import SimpleNamespace
from xml.etree import ElementTree

import pandas as pd
import pytest

from spm_lib import present
from spm_lib.present import Against, Block, Column, Kpi
from spm_lib.theme import Look

from . import coaching_samples, risk_samples, scorecard_samples

MONTHS = [f"2017-{month:02}" for month in range(1, 13)]
WIN_RATE = SimpleNamespace(
    name="win_rate", label="Win rate", unit="share", better="higher", definition="Deals won by deals decided."
)


def attainment(names: list[object], values: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rep": [f"r{i}" for i in range(len(names))],
            "rep_name": pd.Series(names, dtype=object),
            "metric": "quota_attainment",
            "part": None,
            "value": [float("nan") if v is None else v for v in values],
            "n": [0 if v is None else 7 for v in values],
            "low": [float("nan") if v is None else v - 0.1 for v in values],
            "high": [float("nan") if v is None else v + 0.1 for v in values],
            "unit": "share",
            "note": [None if v is not None else "no quota" for v in values],
        }
    )


def compared(names: list[object], values: list[float | None], before: list[float | None]) -> pd.DataFrame:
    ids = pd.Series(names, dtype=object)
    frame = pd.DataFrame({"product": ids, "product_name": ids, "metric": "revenue", "part": None})
    frame["value"] = pd.Series(values, dtype=float)
    frame["n"] = 9
    frame["low"], frame["high"], frame["unit"], frame["note"] = None, None, "currency", None
    frame["previous"] = pd.Series(before, dtype=float)
    frame["difference"] = frame["value"] - frame["previous"]
    frame["significant"] = frame["difference"].abs() > 100
    return frame


def months(values: list[float | None], *, signal: int | None = None, unit: str = "share") -> pd.DataFrame:
    count = len(values)
    return pd.DataFrame(
        {
            "period": MONTHS[:count],
            "start": [dt.date(2017, at + 1, 1) for at in range(count)],
            "metric": "win_rate",
            "part": None,
            "value": [float("nan") if v is None else v for v in values],
            "n": 40,
            "low": 0.5,
            "high": 0.7,
            "unit": unit,
            "note": None,
            "complete": [at < count - 1 for at in range(count)],
            "centre": 0.6,
            "lower": 0.5,
            "upper": 0.7,
            "signal": [at == signal for at in range(count)],
            "rule": ["outside the limits" if at == signal else None for at in range(count)],
        }
    )


def stages(names: list[object], n: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "metric": "stage_conversion",
            "part": pd.Series(names, dtype=object),
            "value": 0.5,
            "n": n,
            "low": 0.4,
            "high": 0.6,
            "unit": "share",
        }
    ).assign(note=None)


def movement(**parts: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "part": list(parts),
            "value": list(parts.values()),
            "n": [3] * len(parts),
            "unit": "currency",
            "note": None,
        }
    )


FACTORS = {
    "decided_deals": (40.0, 50.0, "count"),
    "win_rate": (0.25, 0.3, "share"),
    "deal_size": (1000.0, 900.0, "currency"),
}


def change(
    steps: Mapping[str, float], *, before: float = 10_000.0, sure: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Make rows of a revenue change of the steps given; `sure` are those that are called a difference."""
    total = sum(steps.values())
    rows = []
    for part, value in {"before": before, **steps, "now": before + total, "change": total}.items():
        now, past, unit = FACTORS.get(part, (None, None, None))
        rows.append(
            {
                "metric": "revenue_change",
                "part": part,
                "value": value,
                "n": 90,
                "low": value - 500 if part in FACTORS or part == "change" else None,
                "high": value + 500 if part in FACTORS or part == "change" else None,
                "unit": "currency",
                "note": None,
                "p_value": 0.001 if part in sure else 0.5,
                "factor": now,
                "previous_factor": past,
                "factor_unit": unit,
                "up": int(value > 0 and part in FACTORS),
                "down": int(value < 0 and part in FACTORS),
                "against": "2017-Q3",
                "significant": part in sure,
            }
        )
    return pd.DataFrame(rows)


STEPS = {"decided_deals": 2000.0, "win_rate": 500.0, "deal_size": -1500.0}


def by_team(names: list[object], make: Callable[[int], pd.DataFrame]) -> pd.DataFrame:
    """Put frames of teams together, the teams' ids and names first."""
    frames = []
    for at, name in enumerate(names):
        frame = make(at)
        frame.insert(0, "team", f"t{at}")
        frame.insert(1, "team_name", pd.Series([name] * len(frame), dtype=object))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def plan(
    gap: float | None, *, quota: float = 10_000.0, share: float = 0.4, sure: bool = False
) -> pd.DataFrame:
    """Make rows of `against_plan` for one group that is `gap` away from its plan to date."""
    due = quota * share
    known = gap is not None
    values = {
        "plan_revenue": due + (gap or 0),
        "plan_to_date": due,
        "plan_gap": gap or 0.0,
        "quota_attainment": (due + (gap or 0)) / quota,
        "quota_pace": (due + (gap or 0)) / due,
    }
    return pd.DataFrame(
        {
            "metric": list(values),
            "part": None,
            "value": [v if known else float("nan") for v in values.values()],
            "n": 12 if known else 0,
            "low": [v - 100 if known else None for v in values.values()],
            "high": [v + 100 if known else None for v in values.values()],
            "unit": ["currency", "currency", "currency", "share", "ratio"],
            "note": None if known else "no quota",
            "significant": [name == "quota_attainment" and sure for name in values],
        }
    )


def watched(values: list[float | None], *, metric: str = "win_rate", signal: bool = False) -> pd.DataFrame:
    """Make rows of `signals` for one group and metric: the last month is not over, the one before it is judged."""
    frame = months(values).assign(metric=metric)
    at = len(values) - 2
    frame["latest"] = [i == at for i in range(len(values))]
    frame["p_value"] = [
        0.001 if signal and i == at else 0.5 if i == at else float("nan") for i in range(len(values))
    ]
    frame["significant"] = frame["latest"] & signal
    frame["signal"] = frame["latest"] & signal
    frame["rule"] = ["outside the limits" if s else None for s in frame["signal"]]
    return frame


def deals(names: list[object]) -> pd.DataFrame:
    text = pd.Series(names, dtype=object)
    frame = pd.DataFrame(
        {"deal_id": text, "name": text, "account_name": text, "rep_name": text, "stage": text}
    )
    frame["amount"] = [100.0 * (at + 1) for at in range(len(names))]
    day = dt.date(2017, 11, 5)
    return frame.assign(closed_on=day, expected_close_on=day)


MOVED = {
    "start": 1000.0,
    "new": 500.0,
    "increased": 50.0,
    "decreased": 20.0,
    "won": 300.0,
    "lost": 130.0,
    "end": 1100.0,
}


def make_every_block(name: str) -> Mapping[str, Block]:
    """Make one block of each kind with `name` wherever a text goes in."""
    metric = SimpleNamespace(name="win_rate", label=name, unit="share", better="higher", definition=name)
    frame = compared([name, "b"], [900.0, None], [500.0, 300.0]).assign(
        note=pd.Series([name, None], dtype=object)
    )
    return {
        "headline": present.headline(name),
        "claim": present.claim(name),
        "reading": present.reading(name, name),
        "note": present.note(name),
        "nothing": present.nothing(name),
        "kpis": present.kpi_strip(
            [
                Kpi(
                    name,
                    0.6,
                    "share",
                    9,
                    0.5,
                    0.7,
                    "higher",
                    (Against(name, 0.1, True),),
                    name,
                    (1, 2, 3),
                    name,
                ),
                Kpi(name, None, "share", 0, note=name),
            ]
        ),
        "attainment": present.attainment_chart(
            attainment([name, "b", name], [1.2, 0.4, None]),
            expected=0.7,
            period=name,
            message=name,
            alt=name.strip() or "a finding",
        ),
        "attainment, own alt": present.attainment_chart(attainment([name, "b"], [1.2, 0.4])),
        "coverage": present.coverage_chart(
            pd.DataFrame({"value": [2.0, None], "n": [3, 0], "note": [None, "met"]}),
            names=[name, "next"],
            message=name,
        ),
        "funnel": present.funnel_chart(stages([name, "b"], [9, 5]), period=name, message=name),
        "movement": present.movement_chart(movement(**MOVED), period=name, between=name, message=name),
        "mix": present.mix_chart(frame, label=name, period=name, previous=name, message=name),
        "trend": present.trend_chart(
            months([0.6, 0.61, 0.9, 0.6], signal=2).assign(rule=pd.Series([name] * 4, dtype=object)),
            label=name,
            better="higher",
            message=name,
        ),
        "trends": present.trend_grid(months([0.6, 0.61, 0.7]), [metric]),
        "table": present.table(
            frame,
            {"product_name": name, "note": Column(name, "prose"), "value": Column(name, "currency")},
            caption=name,
            total={"product_name": name, "value": 900},
        ),
        **every_block_of_teams(name, metric),
        **risk_samples.every_block(name),
        **coaching_samples.every_block(name),
        **scorecard_samples.every_block(name),
        "mixes": block_of(
            present.mix_charts(
                {name: frame, "other": frame}, period=name, previous=name, messages={name: name}
            )
        ),
        "deals": present.deals_tables(deals([name, "b"]), deals([name]), period=name, limit=1),
        "definitions": present.definitions([metric]),
        "freshness": present.freshness(
            source=name,
            as_of=dt.date(2017, 12, 31),
            last_data_date=dt.date(2017, 12, 30),
            loaded_at=dt.datetime(2018, 1, 1, 7, 30),
            timezone=name,
            rows={name: 3},
            quarantined={name: {name: 2, "b": 1}},
            missing=[(name, name)],
        ),
    }


def block_of(blocks: present.Blocks) -> Block:
    """Put several outputs in one block."""
    first, *rest = blocks
    for block in rest:
        first = first + block
    return first


def every_block_of_teams(name: str, metric: SimpleNamespace) -> dict[str, Block]:
    """Make the blocks that show teams beside each other."""
    names = [name, "b", name]
    # Rows stand in an order that no name decides.
    moved = by_team(
        names,
        lambda at: change(STEPS | {"win_rate": 500.0 - at}, sure=("deal_size", "change") if at else ()),
    )
    plans = by_team(names, lambda at: plan(None if at == 2 else 300.0 - 900 * at, sure=at == 1))
    trends = by_team(names, lambda at: watched([0.6, 0.5, 0.62, 0.9, 0.6], signal=True))
    trends = pd.concat([trends, trends.assign(metric="revenue", unit="currency")], ignore_index=True)
    whole = change(STEPS | {"team_mix": 100.0}, sure=("deal_size",))
    gaps = present.team_gaps(plans, moved)
    look = Look()
    named = SimpleNamespace(name="win_rate", label=metric.label, better="higher")
    return {
        "bridge": present.bridge_chart(whole, period=name, previous=name, message=name),
        "gaps": present.gap_chart(gaps, period=name, message=name),
        "ranking": present.ranking_table(
            gaps, trends, plan=plan(100.0), change=whole, period=name, previous=name, look=look
        ),
        "moved": present.moved_table(moved, whole, period=name, previous=name, look=look),
        "signals": present.signal_table(trends, [named], look=look),
    }


@lru_cache(maxsize=64)
def every_block(name: str) -> Mapping[str, Block]:
    """Give the blocks of `name`, made once."""
    return make_every_block(name)


@dataclass
class Markup(HTMLParser):
    """Markup taken apart: it fails on what is not closed."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def taken_apart(html: str) -> Markup:
    reader = Markup()
    reader.feed(html)
    reader.close()
    assert reader.inside == []
    return reader


def pictures(html: str) -> list[ElementTree.Element]:
    """Give the SVG of each picture; it must be well formed."""
    coded = re.findall(r'src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"', html)
    return [ElementTree.fromstring(base64.b64decode(code)) for code in coded]


def texts(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter() if element.tag.endswith("}text")]


@pytest.fixture(scope="session")
def samples() -> SimpleNamespace:
    """Give the makers of frames and the readers of markup."""
    return SimpleNamespace(
        attainment=attainment,
        compared=compared,
        months=months,
        stages=stages,
        movement=movement,
        change=change,
        steps=STEPS,
        by_team=by_team,
        plan=plan,
        watched=watched,
        deals=deals,
        moved=MOVED,
        every_block=every_block,
        make_every_block=make_every_block,
        taken_apart=taken_apart,
        pictures=pictures,
        texts=texts,
        win_rate=WIN_RATE,
        risk=risk_samples,
    )
