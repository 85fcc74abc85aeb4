"""What was known of open deals on days of the past, as features: many days in one pass, nothing from after each.

Every value is the one that `Snapshot.as_of` tells of the day; what is counted over time counts what was on record by then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from spm_lib.data.history import Snapshot
from spm_lib.data.schema import CUSTOM_PREFIX
from spm_lib.errors import ParameterError
from spm_lib.metrics.populations import converted
from spm_lib.metrics.question import Question
from spm_lib.models.deal_moves import COUNTS, stays, with_moves
from spm_lib.models.landmarks import each_day, horizon_end
from spm_lib.models.recorded import Keep
from spm_lib.models.stage_times import usual_times
from spm_lib.models.stretches import Stretches, keeping, whole_company
from spm_lib.models.touches import with_touches
from spm_lib.models.track_records import records, shrunk_rate

#: Which landmark a row is, and what a report shows of it.
KEYS = ("as_of", "deal_id", "owner_id", "team", "name", "amount", "expected_close_on")

#: What nobody can act on.
CONTEXT = (
    "pipeline",
    "stage",
    "stage_position",
    "days_to_expected_close",
    "days_left_in_period",
    "month",
)

NUMBERS = (
    "age_days",
    "days_in_stage",
    "stage_time_ratio",
    *COUNTS,
    "amount_ratio",
    "days_since_activity",
    "activities_7",
    "activities_14",
    "activities_30",
    "activity_trend",
    "contacts",
    "next_step_missing",
    "owner_open_deals",
    "owner_win_rate",
    "account_won",
    "account_lost",
    "account_open_deals",
    "log_amount",
)

CATEGORIES = ("deal_type", "source", "forecast_category", "product", "industry", "segment", "region")

_TEXT = frozenset({"deal_id", "owner_id", "team", "name", "pipeline", "stage", *CATEGORIES})
_DATES = frozenset({"as_of", "expected_close_on"})


def deal_features(snapshot: Snapshot, days: Sequence[dt.date]) -> pd.DataFrame:
    """Give the features of the deals that were open on each of some days, as was known at the end of that day.

    Parameters
    ----------
    snapshot
        What is known. Its scope does not matter: the deals are the whole company's.
    days
        The days, none after the snapshot's.

    Returns
    -------
    DataFrame
        A row for each day and deal open on it, without merged duplicates and refunds, sorted by ``as_of`` and ``deal_id``.
        Columns are `KEYS`, `CONTEXT`, `NUMBERS`, `CATEGORIES` and the custom columns of deals. Texts are objects, None where
        unknown; numbers float64, NaN where unknown; ``as_of`` and ``expected_close_on`` datetime64. Money is in the
        reporting currency at the day's rate. Custom dates are days from ``as_of`` on, custom booleans 0 and 1.

    Raises
    ------
    ParameterError
        Where a day lies after the snapshot's.

    Notes
    -----
    - What a source cannot tell is NaN for all rows. A count of changes is unknown of a deal that is older than the record
      as long as none is recorded.
    - ``stage_time_ratio``: days in the stage / the 90th percentile of completed stays in it, as known when the month began.
    - ``amount_ratio``: the amount / the first known, in the deal's own currency.
    - ``owner_win_rate``: (won + k × company's rate) / (won + lost + k) of what was closed by the day, k `PSEUDO_DEALS`.
    - ``next_step_missing`` is unknown on days on which no open deal has any.
    - ``account_open_deals`` and ``owner_open_deals`` count the deal itself.
    """
    asked = sorted(set(days))
    if asked and asked[-1] > snapshot.date:
        raise ParameterError(f"{asked[-1]} lies after the snapshot's day, {snapshot.date}", where="days")
    company = whole_company(snapshot)
    stretches = Stretches(company)
    with keeping(company) as keep:
        table = _featured(stretches, asked or [company.date], keep).to_pyarrow()
    frame = _frame(table if asked else table.slice(0, 0), stretches)
    left = each_day(frame["as_of"], lambda day: horizon_end(day, "period", company.meta.calendar))
    today = frame["as_of"].to_numpy().astype("datetime64[D]")
    frame["days_left_in_period"] = (left - today).astype("float64")
    names = [*KEYS, *CONTEXT, *NUMBERS, *CATEGORIES, *stretches.custom]
    return frame[names]


def custom_features(frame: pd.DataFrame) -> tuple[str, ...]:
    """Give the names of the custom columns of a frame of features, in order."""
    return tuple(name for name in frame.columns if str(name).startswith(CUSTOM_PREFIX))


def _featured(stretches: Stretches, days: Sequence[dt.date], keep: Keep) -> ibis.Table:
    snapshot = stretches.snapshot
    rows = keep(with_moves(stretches, stretches.table(keep)))
    asked = keep(ibis.array([ibis.literal(day) for day in days]).unnest().name("as_of").as_table())
    landmarks = keep(_told(stretches, _landmarks(stretches, rows, asked)))
    touched = keep(with_touches(snapshot, landmarks.select("as_of", "deal_id", "created_on"), keep))
    usual = keep(usual_times(asked, stays(stretches, rows)))
    found = landmarks.inner_join(touched, ["as_of", "deal_id"])
    found = found.left_join(
        usual,
        [
            found.as_of.truncate("month") == usual.usual_month,
            found.place == usual.usual_place,
            found.stage == usual.usual_stage,
        ],
    )
    found = found.mutate(stage_time_ratio=found.days_in_stage / found.usual_days)
    found = _with_records(found, rows, asked, keep)
    found = _with_names(found, snapshot)
    found = snapshot.with_team(found, "owner_id", "as_of")
    return found.order_by("as_of", "deal_id")


def _landmarks(stretches: Stretches, rows: ibis.Table, days: ibis.Table) -> ibis.Table:
    """Give the open deals of each day, with what was known of them: null where no record reaches back to the day."""
    # A deal is seen in the stretch that holds the day.
    held = rows.filter(rows.state == "open")
    held = held.inner_join(days, [days.as_of >= held.since, days.as_of < held.until])
    fields = [name for name in stretches.fields if name in held.columns]
    known = {
        name: ibis.ifelse(
            held.as_of >= ibis.literal(stretches.known_from(name)), held[name], ibis.null(held[name].type())
        )
        for name in fields
    }
    held = held.mutate(**known)
    return held.filter(~(held.amount < 0).fill_null(False))


def _told(stretches: Stretches, rows: ibis.Table) -> ibis.Table:
    """Give numbers for what the stretches tell of each landmark."""
    nothing = ibis.null("float64")

    def days(late: ibis.Value, early: ibis.Value) -> ibis.Value:
        return late.delta(early, unit="day").cast("float64")

    def on_record(column: str, value: ibis.Value, *, seen: ibis.Value) -> ibis.Value:
        begins = ibis.literal(stretches.tracked_from(column))
        older = ~(rows.created_on >= begins).fill_null(False)
        return ibis.ifelse((rows.as_of >= begins) & (seen | ~older), value, nothing)

    seen_any = {
        "stage": rows.stage.notnull(),
        "expected_close_on": rows.dated,
        "amount": rows.priced,
        "owner_id": rows.owner_id.notnull(),
    }
    moved: dict[str, ibis.Value] = {}
    for column in dict.fromkeys(COUNTS.values()):
        names = [name for name, of in COUNTS.items() if of == column]
        some = ibis.or_(*(rows[name] != 0 for name in names))
        for name in names:
            value = ibis.ifelse(seen_any[column], rows[name], nothing)
            moved[name] = on_record(column, value, seen=some)
    placed = rows.stage.notnull() & rows.position.notnull()
    for name in ("moves_back", "stages_skipped"):
        moved[name] = ibis.ifelse(placed, moved[name], nothing)
    staged_from = ibis.literal(stretches.tracked_from("stage"))
    staying = (rows.entered_on >= staged_from) & (rows.as_of >= staged_from) & rows.stage.notnull()
    day = ibis.window(group_by="as_of")
    used = (rows.next_step.notnull() & (rows.next_step.strip() != "")).fill_null(False)
    ratio = rows.amount.cast("float64") / rows.first_amount.cast("float64")
    priced = (rows.as_of >= ibis.literal(stretches.tracked_from("amount"))) & (rows.first_amount > 0)
    told = {
        "stage_position": ibis.ifelse(rows.stage.notnull(), rows.position, nothing),
        "days_to_expected_close": days(rows.expected_close_on, rows.as_of),
        "month": rows.as_of.month().cast("float64"),
        "age_days": days(rows.as_of, rows.created_on),
        "days_in_stage": ibis.ifelse(staying.fill_null(False), days(rows.as_of, rows.entered_on), nothing),
        "amount_ratio": ibis.ifelse(priced.fill_null(False), ratio, nothing),
        "next_step_missing": ibis.ifelse(used.any().over(day), (~used).cast("float64"), nothing),
        **moved,
        **{name: _number(rows, name, kind) for name, kind in stretches.custom.items()},
    }
    for name, column in (("owner_open_deals", "owner_id"), ("account_open_deals", "account_id")):
        together = rows.count().over(ibis.window(group_by=["as_of", column])).cast("float64")
        told[name] = ibis.ifelse(rows[column].notnull(), together, nothing)
    kept = ["as_of", "deal_id", "owner_id", "name", "created_on", "expected_close_on", "pipeline", "place"]
    kept += ["stage", "account_id", "product_id", "deal_type", "source", "forecast_category"]
    money = {"row_amount": rows.amount, "row_currency": rows.currency, "row_day": rows.as_of}
    priced_rows = converted(rows.select(*kept, **told, **money), Question(stretches.snapshot, ()))
    amount = priced_rows.amount.cast("float64")
    return priced_rows.drop("row_amount", "row_currency", "row_day").mutate(
        amount=amount, log_amount=(amount + 1).ln()
    )


def _number(rows: ibis.Table, name: str, kind: str) -> ibis.Value:
    if kind == "text":
        return rows[name]
    if kind == "date":
        return rows[name].cast("date").delta(rows.as_of, unit="day").cast("float64")
    return rows[name].cast("float64")


def _with_records(found: ibis.Table, rows: ibis.Table, days: ibis.Table, keep: Keep) -> ibis.Table:
    """Add what had become of the owner's and the customer's deals."""
    everyone = rows.mutate(company=ibis.literal("all"))
    company = keep(records(days.mutate(whose=ibis.literal("all")), everyone, "company"))
    company = company.select(
        company_as_of="as_of",
        usual_rate=ibis.ifelse(
            company.won + company.lost > 0, company.won / (company.won + company.lost), None
        ),
    )
    found = found.left_join(company, found.as_of == company.company_as_of)
    for column, prefix in (("owner_id", "owner"), ("account_id", "account")):
        pairs = found.select("as_of", whose=column).distinct()
        told = keep(records(pairs.filter(pairs.whose.notnull()), rows, column))
        told = told.select(
            **{f"{prefix}_as_of": told.as_of, f"{prefix}_key": told.whose},
            **{f"{prefix}_won": told.won, f"{prefix}_lost": told.lost},
        )
        found = found.left_join(
            told, [found.as_of == told[f"{prefix}_as_of"], found[column] == told[f"{prefix}_key"]]
        )
    return found.mutate(owner_win_rate=shrunk_rate(found.owner_won, found.owner_lost, found.usual_rate))


def _with_names(found: ibis.Table, snapshot: Snapshot) -> ibis.Table:
    """Add the customer's industry, segment and region, and the product's name."""
    accounts = snapshot.table("accounts").select("industry", "segment", "region", its_account="account_id")
    products = snapshot.table("products").select(its_product="product_id", product_name="name")
    found = found.left_join(accounts, found.account_id == accounts.its_account)
    found = found.left_join(products, found.product_id == products.its_product)
    return found.mutate(product=ibis.coalesce(found.product_name, found.product_id))


def _frame(table: pa.Table, stretches: Stretches) -> pd.DataFrame:
    """Give a frame with objects for texts, seconds for dates, doubles for the rest."""
    texts = _TEXT | {name for name, kind in stretches.custom.items() if kind == "text"}
    names = [*KEYS, *CONTEXT, *NUMBERS, *CATEGORIES, *stretches.custom]
    columns: dict[str, np.ndarray | pd.Series] = {}
    for name in names:
        if name == "days_left_in_period":  # the calendar tells
            continue
        column = table.column(name)
        if name in texts:
            columns[name] = pd.Series(_texts(column), dtype=object)
        elif name in _DATES:
            columns[name] = column.to_numpy(zero_copy_only=False).astype("datetime64[s]")
        else:
            columns[name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype("float64")
    return pd.DataFrame(columns)


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    """Give texts as objects, each different one made once."""
    encoded = column.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = (
            encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.dictionary(pa.int32(), pa.string()))
        )
    different = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    places = encoded.indices.fill_null(len(different) - 1).to_numpy(zero_copy_only=False)
    found: np.ndarray = different[places]
    return found
