"""About the report itself: how fresh its data are, what it could not show and why, what its words mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import pandas as pd
from markupsafe import Markup

from spm_lib.present.display import TITLE_LIMIT, Block, clean, joined, nothing
from spm_lib.present.prose import plural, sentence
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look


class Described(Protocol):
    """What a chart or table needs to know of a metric."""

    @property
    def name(self) -> str:
        """What programs call it."""

    @property
    def label(self) -> str:
        """What people call it."""

    @property
    def better(self) -> str | None:
        """Which direction is good."""


class Defined(Protocol):
    """What a definition needs to know of a metric."""

    @property
    def label(self) -> str:
        """What people call it."""

    @property
    def unit(self) -> str:
        """What its values are."""

    @property
    def better(self) -> str | None:
        """Which direction is good."""

    @property
    def definition(self) -> str:
        """One sentence."""


def definitions(metrics: Iterable[Defined], *, look: Look | None = None) -> Block:
    """Show what each metric means, its unit, and which direction is good.

    Parameters
    ----------
    metrics
        Metrics of the catalogue.
    look
        How units are written.
    """
    look = look or Look()
    entries, lines = [], []
    for metric in metrics:
        label, said = clean(metric.label), clean(metric.definition, TITLE_LIMIT)
        unit = "" if metric.unit == "count" else f"in {look.unit(metric.unit)}"
        aside = sentence(
            "; ".join(filter(None, [unit, f"{metric.better} is better" if metric.better else ""]))
        )
        entries.append(
            Markup('<div><dt>{}</dt><dd>{} <span class="spm-muted">{}</span></dd></div>').format(
                label, said, aside
            )
        )
        lines.append(f"{label}: {said} {aside}")
    if not entries:
        return nothing("no metrics were given")
    return Block(Markup('<dl class="spm spm-definitions">{}</dl>').format(joined(entries)), "\n".join(lines))


def freshness(
    *,
    source: str,
    as_of: dt.date,
    last_data_date: dt.date | None,
    loaded_at: dt.datetime | None = None,
    timezone: str = "",
    rows: Mapping[str, int] | None = None,
    quarantined: Mapping[str, Mapping[str, int]] | None = None,
    missing: Sequence[tuple[str, str]] = (),
    look: Look | None = None,
) -> Block:
    """Show how old the data are, what was refused at the gate, and what could not be shown and why.

    Parameters
    ----------
    source
        Name of the source.
    as_of
        The day whose knowledge the report shows.
    last_data_date
        The latest day on which anything in the data happened.
    loaded_at, timezone
        When the data were loaded, in the source's time zone, and its name.
    rows
        Rows by table.
    quarantined
        Rows refused, by table and reason.
    missing
        What could not be shown, and why, in pairs.
    look
        How numbers are written.
    """
    look = look or Look()
    facts = [f"Source: {clean(source)}. As known at the end of {look.date(as_of)}."]
    if last_data_date is None:
        facts.append("The data hold no dated event.")
    else:
        facts.append(
            f"Latest event in the data: {look.date(last_data_date)}{_age(last_data_date, as_of, look)}."
        )
    if loaded_at is not None:
        zone = f" ({clean(timezone)})" if timezone else ""
        facts.append(f"Loaded {look.date(loaded_at.date())} at {loaded_at:%H:%M}{zone}.")
    if rows:
        counts = ", ".join(
            f"{clean(name)} {look.value(n, 'count', compact=False)}" for name, n in rows.items()
        )
        facts.append(f"Rows: {counts}.")
    refused = [
        {"table": clean(name), "reason": clean(reason, TITLE_LIMIT), "rows": count}
        for name, reasons in (quarantined or {}).items()
        for reason, count in reasons.items()
        if count
    ]
    total = sum(int(row["rows"]) for row in refused)  # type: ignore[call-overload]
    if total:
        facts.append(f"{plural(total, 'row', look=look).capitalize()} refused and set aside: see the table.")
    else:
        facts.append("No row was refused.")
    parts = [Markup("<p>{}</p>").format(fact) for fact in facts]
    texts = list(facts)
    if refused:
        refusals = table(
            pd.DataFrame(refused),
            {"table": "Table", "reason": Column("Reason", "prose"), "rows": Column("Rows", "count")},
            caption="Rows refused when the data were loaded, by reason",
            look=look,
            total={"table": "Total", "reason": "", "rows": total} if len(refused) > 1 else None,
        )
        parts.append(refusals.html)
        texts.append(refusals.text)
    if missing:
        items = [(clean(what, 120), clean(why, TITLE_LIMIT)) for what, why in missing]
        listed = joined(Markup("<li>{}: {}</li>").format(what, why) for what, why in items)
        parts.append(Markup("<p>Not shown:</p><ul>{}</ul>").format(listed))
        texts.append("Not shown:\n" + "\n".join(f"- {what}: {why}" for what, why in items))
    html = Markup('<section class="spm spm-freshness" aria-label="Data freshness">{}</section>').format(
        joined(parts)
    )
    return Block(html, "\n".join(texts))


def _age(last: dt.date, as_of: dt.date, look: Look) -> str:
    days = (as_of - last).days
    return f", {plural(days, 'day', look=look)} before" if days > 0 else ""
