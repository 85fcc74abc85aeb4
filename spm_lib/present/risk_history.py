"""How deals at risk moved on: what changed in a week, how earlier flags turned out, and what rules have told."""

from __future__ import annotations

import pandas as pd

from spm_lib.present.display import EMPTY, Block, nothing
from spm_lib.present.findings.risk import FLAG_DAYS
from spm_lib.present.findings.risk_shapes import Flagged, Judged
from spm_lib.present.findings.risk_words import RULE_LABELS, USUAL, chance
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look, is_unknown

_USUAL_MOVES = (
    "A flag tells that the risk is clearly above the usual of the deal's stage, age and time of the quarter. That moves "
    "too: a flag may come though the risk fell, or go though it rose."
)
_BECAME = {"won": "won", "lost": "lost", "calmer": "no longer flagged"}
_CHANGE = {"new": "newly flagged", "up": "higher risk", "down": "lower risk"}


def changes_table(flags: Flagged, *, limit: int = 15, look: Look | None = None) -> Block:
    """Show what changed since the scoring of about a week before, deal by deal; see `risk_list`."""
    look = look or Look()
    if flags.earlier_on is None or flags.scored_on is None:
        return EMPTY
    now = flags.flagged[flags.flagged["change"] != ""]
    now = now.assign(
        _what=now["change"].map(_CHANGE), _before=now["at_risk_before"], _now=now["at_risk"]
    ).astype({"_before": "float64", "_now": "float64"})
    left = flags.left.assign(
        _what=flags.left["became"].map(_BECAME), _before=flags.left["at_risk"], _now=flags.left["at_risk_now"]
    ).astype({"_before": "float64", "_now": "float64"})
    kept = ["name", "rep_name", "amount", "_what", "_before", "_now"]
    rows = pd.concat([each[kept] for each in (now, left) if len(each)] or [now[kept]], ignore_index=True)
    if rows.empty:
        return EMPTY
    # A flag compares with what is usual, which moves too: one may come as the risk falls, and go as it rises.
    odd = (rows["_what"].eq(_CHANGE["new"]) & (rows["_now"] < rows["_before"])) | (
        rows["_what"].eq(_BECAME["calmer"]) & (rows["_now"] > rows["_before"])
    )
    for name, none in (("_before", "not scored"), ("_now", "closed")):
        rows[name] = [none if is_unknown(value) else chance(value, look) for value in rows[name]]
    columns: dict[str, Column | str] = {
        "name": "Deal",
        "_what": "What changed",
        "rep_name": "Owner",
        "amount": Column("Amount", "currency"),
    }
    if flags.signal:
        columns |= {
            "_before": Column("Risk then", "written"),
            "_now": Column("Risk now", "written"),
        }
    caption = (
        f"What changed from {look.date(flags.earlier_on)} to {look.date(flags.scored_on)}, {look.currency}"
    )
    notes = [_USUAL_MOVES] if flags.signal and odd.any() else []
    return table(rows, columns, caption=caption, look=look, limit=limit, notes=notes)


def record_table(record: Judged, *, look: Look | None = None) -> Block:
    """Show how the deals flagged about eight weeks before turned out, beside those that were not.

    Parameters
    ----------
    record
        See `spm_lib.models.flag_record.FlagRecord`.
    look
        How numbers are written.
    """
    look = look or Look()
    if record.scored_on is None or record.ends_on is None:
        return nothing("no day of about eight weeks ago was scored", "How flags turned out")
    pairs = (("Flagged", record.flagged), ("Not flagged", record.other))
    rows = [{"_name": name} | dict(row) for name, row in pairs if row]
    if not rows:
        return nothing(f"no deal of {look.date(record.scored_on)} is known here", "How flags turned out")
    return table(
        pd.DataFrame(rows),
        {
            "_name": "Deals",
            "n": Column("n", "count"),
            "lost": Column("Lost", "count"),
            "slipped": Column("Slipped", "count"),
            "value": Column("Came true", "share"),
            "low": Column("95% interval", "interval", high="high", of="share"),
            "usual": Column("Usual", "share"),
        },
        caption=f"Deals scored on {look.date(record.scored_on)}, and what became of them by {look.date(record.ends_on)}",
        look=look,
        notes=[
            f"Flagged: over {FLAG_DAYS} days, as that time is over; reports flag to the end of the quarter, which may be "
            f"other deals. Slipped: due by then and not won. Usual: {USUAL}."
        ],
    )


def rules_table(rules: pd.DataFrame, *, look: Look | None = None, only_shown: bool = False) -> Block:
    """Show what each rule has told in the company's own past.

    Parameters
    ----------
    rules
        See `spm_lib.models.rules.measure`.
    look
        How numbers are written.
    only_shown
        Whether to leave out the rules that tell nothing.
    """
    look = look or Look()
    if only_shown and len(rules):
        rules = rules[rules["shown"].astype(bool)]
    if rules.empty or not rules["deals"].sum():
        return nothing("no rule was measured", "What rules have told")
    named = rules.assign(
        _name=[RULE_LABELS.get(str(rule), str(rule)) for rule in rules["rule"]],
        _used=["yes" if shown else "no" for shown in rules["shown"]],
    )
    return table(
        named.sort_values("lift", ascending=False, kind="stable", na_position="last"),
        {
            "_name": "Rule",
            "deals": Column("Deals", "count"),
            "coverage": Column("Holds for", "share"),
            "rate": Column("At risk", "share"),
            "usual": Column("Usual", "share"),
            "lift": Column("Lift", "ratio"),
            "low": Column("95% interval", "interval", high="high", of="ratio"),
            "_used": "Used",
        },
        caption="What rules have told in this company's past, within 30 days",
        look=look,
        notes=[
            "Deals: those that it ever held for; holds for: how much of all deal-days. At risk: lost within 30 days, or due "
            "by then and not won. Lift: how many times as often as is usual for their "
            "stages and due dates. A rule is used where its lift is clearly above 1, though all were asked at once."
        ],
    )
