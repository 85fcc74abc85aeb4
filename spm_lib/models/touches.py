"""Activities on deals: how many lately, how long ago the last, with how many people, as was known on each day."""

from __future__ import annotations

import ibis

from spm_lib.data.history import Snapshot
from spm_lib.models.recorded import Keep

_WINDOWS = (7, 14, 28, 30)


def with_touches(snapshot: Snapshot, landmarks: ibis.Table, keep: Keep) -> ibis.Table:
    """Add what was known of a deal's activities to its landmarks.

    Parameters
    ----------
    snapshot
        Of the whole company.
    landmarks
        ``as_of``, ``deal_id`` and ``created_on``, each pair once.
    keep
        Computes a table once.

    Returns
    -------
    ibis.Table
        ``as_of``, ``deal_id``, ``days_since_activity``, ``activities_7``, ``activities_14``, ``activities_30``,
        ``activity_trend`` and ``contacts``, as numbers.

    Notes
    -----
    An activity is known from the day on which it had both taken place and been entered; it counts on the day on which it
    took place. A window that begins before the first activity on record is unknown; so are the people on a deal that is
    older than the record and of which it names nobody. Where there was no activity yet, days count from the deal's
    creation, or from the beginning of the record where that is later.
    """
    touches = keep(_touches(snapshot))
    begun = touches.aggregate(
        record_from=touches.known_on.min(),
        people_from=touches.known_on.min(where=touches.contact_id.notnull()),
    )
    lately, so_far = _lately(landmarks, touches), _so_far(touches)
    rows = landmarks.asof_join(
        so_far, on=landmarks.as_of >= so_far.known_on, predicates=[landmarks.deal_id == so_far.touched_id]
    ).select("as_of", "deal_id", "created_on", "last_on", "people")
    rows = rows.left_join(lately, [rows.as_of == lately.lately_as_of, rows.deal_id == lately.lately_id])
    rows = rows.cross_join(begun)
    nothing = ibis.null("float64")
    begins = ibis.ifelse(rows.record_from <= rows.as_of, rows.record_from, ibis.null("date"))
    counts = {}
    for days in _WINDOWS:
        count = ibis.coalesce(rows[f"last_{days}"], ibis.literal(0)).cast("float64")
        covered = rows.as_of.delta(begins, unit="day") >= days - 1
        counts[days] = ibis.ifelse(covered.fill_null(False), count, nothing)
    # Of a deal older than the record, that nothing happened is known from its beginning on.
    quiet_from = ibis.coalesce(rows.last_on, ibis.greatest(ibis.coalesce(rows.created_on, begins), begins))
    since = rows.as_of.delta(quiet_from, unit="day").cast("float64")
    people_from = ibis.ifelse(rows.people_from <= rows.as_of, rows.people_from, ibis.null("date"))
    followed = rows.people.notnull() | (rows.created_on >= people_from).fill_null(False)
    people = ibis.coalesce(rows.people, ibis.literal(0)).cast("float64")
    return rows.select(
        "as_of",
        "deal_id",
        days_since_activity=ibis.ifelse(begins.notnull(), since, nothing),
        activities_7=counts[7],
        activities_14=counts[14],
        activities_30=counts[30],
        activity_trend=2 * counts[14] - counts[28],
        contacts=ibis.ifelse(people_from.notnull() & followed, people, nothing),
    )


def _touches(snapshot: Snapshot) -> ibis.Table:
    activities = snapshot.replay().sources.activities
    taken_place = ibis.coalesce(activities.completed, ibis.literal(True))
    rows = activities.filter(activities.deal_id.notnull(), taken_place)
    entered = ibis.coalesce(rows.recorded_at, rows.occurred_at)
    return rows.select(
        "contact_id",
        touched_id="deal_id",
        occurred_on=rows.occurred_at.date(),
        known_on=ibis.greatest(rows.occurred_at, entered).date(),
    )


def _so_far(touches: ibis.Table) -> ibis.Table:
    """Give for each deal and day on which an activity became known: the last one's day, and how many people by then."""
    people = touches.filter(touches.contact_id.notnull())
    met = people.group_by("touched_id", "contact_id").agg(known_on=people.known_on.min())
    new = met.group_by("touched_id", "known_on").agg(people=met.count())
    days = touches.group_by("touched_id", "known_on").agg(last_on=touches.occurred_on.max())
    rows = days.left_join(new, ["touched_id", "known_on"]).select(
        "touched_id", "known_on", "last_on", "people"
    )
    so_far = ibis.window(group_by="touched_id", order_by="known_on", preceding=None, following=0)
    return rows.mutate(last_on=rows.last_on.max().over(so_far), people=rows.people.sum().over(so_far))


def _lately(landmarks: ibis.Table, touches: ibis.Table) -> ibis.Table:
    pairs = landmarks.inner_join(
        touches,
        [
            landmarks.deal_id == touches.touched_id,
            landmarks.as_of >= touches.known_on,
            landmarks.as_of - ibis.interval(days=max(_WINDOWS)) < touches.occurred_on,
        ],
    )
    ago = pairs.as_of.delta(pairs.occurred_on, unit="day")
    return pairs.group_by(lately_as_of="as_of", lately_id="deal_id").agg(
        **{f"last_{days}": pairs.count(where=ago < days) for days in _WINDOWS}
    )
