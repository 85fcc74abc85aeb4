"""What leaves a notebook besides its page: the figures that an index, a mail and the next run read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spm_lib.data.history import Snapshot
from spm_lib.errors import ParameterError
from spm_lib.metrics import CATALOGUE, ExpectedShare
from spm_lib.metrics.decomposition import REVENUE_CHANGE
from spm_lib.metrics.plan import plan_metrics
from spm_lib.models.coaching.coaching_figures import COACHING_FIGURES
from spm_lib.models.risk_figures import FIGURES
from spm_lib.models.scorecard_figures import DEALS_CREATED
from spm_lib.periods import Period
from spm_lib.present.about import Defined
from spm_lib.present.display import clean, holds, is_null
from spm_lib.theme import Look

#: The MIME type of the one output by which figures leave a notebook.
PUBLISHED = "application/vnd.spm.published+json"

#: Everything that a report tells: the catalogue, the gap to plan, what moved revenue and deals at risk.
TOLD: dict[str, Defined] = dict(CATALOGUE)
TOLD |= {metric.name: metric for metric in plan_metrics(ExpectedShare(1.0, "complete"))}
TOLD[REVENUE_CHANGE.name] = REVENUE_CHANGE
TOLD |= FIGURES | COACHING_FIGURES
TOLD[DEALS_CREATED.name] = DEALS_CREATED


@dataclass(frozen=True)
class Published:
    """What a notebook published, as one output of its own MIME type."""

    content: Mapping[str, Any]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {PUBLISHED: dict(self.content), "text/plain": f"Published: {self.content['headline']}"}


def published(
    headline: str,
    kpis: pd.DataFrame,
    *,
    actions: Sequence[str],
    people: Sequence[str],
    deals: Sequence[str],
    standing: str | None,
    name: str,
    period: Period,
    snapshot: Snapshot,
    look: Look,
) -> Published:
    """Put together what a report publishes; for `headline` to `standing` see `spm_lib.report.Report.publish`.

    Parameters
    ----------
    name, period, snapshot, look
        The report's.

    Raises
    ------
    ParameterError
        Where the headline is empty, or the rows are of more than the whole scope.
    """
    if not headline.strip():
        raise ParameterError("a report is published without a headline", mend="Say what it found")
    if kpis["metric"].duplicated().any():
        raise ParameterError("a key figure is published twice", mend="Publish rows of the whole scope only")
    as_of, meta = snapshot.date, snapshot.meta
    return Published(
        {
            "version": 1,
            "headline": clean(headline, limit=1_000),
            "kpis": [_kpi(row, look) for row in kpis.to_dict("records")],
            "actions": [clean(a, limit=1_000) for a in actions],
            "people": [clean(p) for p in people],
            "deals": [clean(d) for d in deals],
            "data_date": min(as_of, meta.last_data_date or as_of).isoformat(),
            "name": name,
            "period": period.title,
            "as_of": as_of.isoformat(),
            "currency": look.currency,
            "locale": look.locale,
            "source": clean(meta.source),
            "standing": standing,
        }
    )


def _kpi(row: Mapping[Any, Any], look: Look) -> dict[str, Any]:
    metric, unit = TOLD[row["metric"]], str(row["unit"])
    comparison = None
    if "against" in row and not is_null(row.get("difference")):
        comparison = {
            "against": row["against"],
            "difference": _plain(row["difference"]),
            "text": look.difference(row["difference"], unit),
            "significant": holds(row),
        }
    return {
        "metric": str(row["metric"]),
        "label": metric.label,
        "value": _plain(row["value"]),
        "text": look.value(row["value"], unit),
        "n": int(row["n"]),
        "low": _plain(row["low"]),
        "high": _plain(row["high"]),
        "unit": unit,
        "note": None if is_null(row.get("note")) else str(row["note"]),
        "comparison": comparison,
    }


def _plain(value: object) -> float | None:
    # Sums of doubles differ in their last bits from run to run; nobody reads more than twelve digits.
    return None if is_null(value) else float(f"{float(value):.12g}")  # type: ignore[arg-type]
