"""A measure by product, source or the like, actual against the previous period; alone or side by side on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.figure import Figure

from spm_lib.present.attainment import by_name
from spm_lib.present.audience import MANAGER
from spm_lib.present.chart import data_of, dimension_of, draw_chart, head_of, known_rows, reason_of, title_of
from spm_lib.present.display import Block, Blocks, clean, is_null, nothing
from spm_lib.present.prose import join_names, plural
from spm_lib.present.rows import Figures, bars, outlines, room_of, rows_board
from spm_lib.theme import LIGHT, UNKNOWN, Look, is_unknown, tone

#: Columns whose rows are people: for others than their manager they are not ranked.
_PEOPLE = ("rep_name", "rep")


def mix_chart(
    frame: pd.DataFrame,
    *,
    label: str,
    period: str = "",
    previous: str = "",
    scale: float | None = None,
    look: Look | None = None,
    by: str | None = None,
    better: str | None = "higher",
    limit: int = 12,
    message: str = "",
    alt: str = "",
) -> Block:
    """Draw a measure by product, source or the like, actual against the previous period.

    Parameters
    ----------
    frame
        Rows of one metric: a dimension, value, n, unit; and previous, difference, significant where compared.
    label
        What is measured, like ``Revenue``.
    period, previous
        The periods, as people write them.
    scale
        Where the axis ends, to be shared by figures of one unit; found where not given, and then marked.
    look, by, message, alt
        As in `attainment_chart`.
    better
        Which direction is good.
    limit
        The most bars to draw, the largest first; the table holds all.
    """
    look = look or Look()
    reason = _reason(frame, by)
    if reason:
        return nothing(reason, label)
    mix = _Mix.of(frame, label, look, by, better, limit)
    return _draw(
        mix, period, previous, (min(0.0, *mix.ends), scale or max(mix.ends)), scale is None, message, alt
    )


def mix_charts(
    frames: Mapping[str, pd.DataFrame],
    *,
    period: str = "",
    previous: str = "",
    look: Look | None = None,
    better: str | None = "higher",
    limit: int = 8,
    messages: Mapping[str, str] | None = None,
    audience: str = MANAGER,
) -> Blocks:
    """Draw one measure by several dimensions, to stand side by side on one scale.

    The largest stands on top. For readers other than the manager people stand by name instead, no finding tells of them,
    and no change of theirs is judged.

    Parameters
    ----------
    frames
        Rows as for `mix_chart`, by label, like ``{"Revenue by product": …}``. What cannot be drawn is left out.
    period, previous, look, better, limit
        As in `mix_chart`.
    messages
        The finding above each figure, by label.
    audience
        Who reads it: ``manager``, or others.
    """
    look = look or Look()
    drawn = {label: frame for label, frame in frames.items() if not _reason(frame, None)}
    if not drawn:
        reasons = [_reason(frame, None) for frame in frames.values()] or ["no rows were given"]
        return Blocks(
            (nothing(reasons[0], join_names(frames, limit=len(frames)) if frames else "The split"),)
        )
    mixes = {
        label: _Mix.of(frame, label, look, None, better, limit, audience) for label, frame in drawn.items()
    }
    span = (
        min(0.0, *(end for mix in mixes.values() for end in mix.ends)),
        max(end for mix in mixes.values() for end in mix.ends),
    )
    room = room_of([(mix.names, mix.columns) for mix in mixes.values()])
    said = {label: text for label, text in (messages or {}).items() if label in mixes and mixes[label].ranked}
    return Blocks(
        tuple(
            _draw(replace(mix, room=room), period, previous, span, False, said.get(label, ""), "")
            for label, mix in mixes.items()
        )
    )


@dataclass(frozen=True)
class _Mix:
    """One figure: its rows in order, and what stands beside the bars."""

    label: str
    name: str
    unit: str
    rows: pd.DataFrame
    shown: pd.DataFrame
    compared: bool
    columns: Sequence[Figures]
    look: Look
    ranked: bool = True
    room: tuple[float, float] | None = None

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        label: str,
        look: Look,
        by: str | None,
        better: str | None,
        limit: int,
        audience: str = MANAGER,
    ) -> _Mix:
        unit = str(known_rows(frame)["unit"].iloc[0])
        compared = "previous" in frame.columns and not all(is_unknown(v) for v in frame["previous"])
        name = dimension_of(frame, by)
        ranked = audience == MANAGER or name not in _PEOPLE
        rows = (
            frame.sort_values("value", ascending=False, kind="stable", na_position="last")
            if ranked
            else by_name(frame, name)
        )
        shown = rows.head(limit)
        columns = [Figures("AC", [look.value(v, unit) for v in shown["value"]])]
        if compared:
            sure = list(shown["significant"]) if "significant" in shown.columns else [None] * len(shown)
            pairs = list(zip(shown["difference"], sure, strict=True))
            judged = [tone(d, better, significant=ranked and not is_null(s) and bool(s)) for d, s in pairs]
            written = [UNKNOWN if is_unknown(d) else look.difference(d, unit) for d, _ in pairs]
            columns.append(Figures("AC − PP", written, judged))
        counts = [look.value(n, "count", compact=False) for n in shown["n"]]
        columns.append(Figures("n", counts, small=True))
        return cls(label, name, unit, rows, shown, compared, columns, look, ranked)

    @property
    def names(self) -> list[object]:
        return list(self.shown[self.name])

    @property
    def values(self) -> list[float]:
        return [0.0 if is_unknown(v) else float(v) for v in self.shown["value"]]

    @property
    def before(self) -> list[float]:
        if not self.compared:
            return []
        return [0.0 if is_unknown(v) else float(v) for v in self.shown["previous"]]

    @property
    def ends(self) -> list[float]:
        """Where bars end; 1 where all are empty."""
        found = [*self.values, *self.before]
        return found if any(v > 0 for v in found) else [*found, 1.0]


def _reason(frame: pd.DataFrame, by: str | None) -> str:
    """Say why a frame cannot be drawn; empty where it can."""
    if frame.empty or known_rows(frame).empty:
        return reason_of(frame, "no figures are known for this period")
    name = dimension_of(frame, by)
    if frame[name].isna().all():
        return f"the deals carry no {name.removesuffix('_name').replace('_', ' ')}"
    return ""


def _draw(
    mix: _Mix, period: str, previous: str, span: tuple[float, float], own_scale: bool, message: str, alt: str
) -> Block:
    look, name = mix.look, mix.name

    def paint() -> Figure:
        row = 28 if mix.compared else 25
        figure, axes = rows_board(mix.names, mix.columns, span=span, row=row, room=mix.room)
        if mix.compared:
            outlines(axes, mix.before, thickness=0.5, shift=-0.14, color=LIGHT.previous)
        bars(axes, mix.values, thickness=0.44 if mix.compared else 0.56, shift=0.14 if mix.compared else 0)
        return figure

    notes = []
    if mix.compared:
        notes.append(f"In front: actual (AC). Behind it: {clean(previous or 'previous period')} (PP).")
    rest = len(mix.rows) - len(mix.shown)
    if rest:
        rows = ("smaller row stands", "smaller rows stand") if mix.ranked else ("more stands", "more stand")
        notes.append(f"{plural(rest, *rows, look=look)} in the table.")
    heads = {name: head_of(name)}
    codes = "AC, PP" if mix.compared else "AC"
    title = title_of(f"{mix.label} in {look.unit(mix.unit)}", period, codes, own_scale=own_scale)
    return draw_chart(
        paint,
        alt=alt or _finding(mix, previous),
        title=title,
        message=message,
        data=data_of(mix.rows, heads, mix.unit, title, look),
        notes=notes,
    )


def _finding(mix: _Mix, previous: str) -> str:
    """Say which row is largest; of people who stand by name, what they range over."""
    look, unit = mix.look, mix.unit
    known = known_rows(mix.rows)
    if not mix.ranked:
        low, high = (look.value(end, unit) for end in (known["value"].min(), known["value"].max()))
        people = plural(len(known), "person", "people", look=look)
        return f"{clean(mix.label)}: {people} in order of their names, {f'from {low} to {high}' if low != high else low}."
    top = mix.rows.iloc[0]
    made = f"{clean(mix.label)} is largest in {clean(top[mix.name])} with {look.value(top['value'], unit)}"
    if mix.compared and not is_unknown(top["difference"]):
        made += f", {look.difference(top['difference'], unit)} on {clean(previous or 'the previous period')}"
    return f"{made}."
