"""A rep's own scorecard in sentences, to the rep and of nobody else: what is won, what changed, what it takes."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from spm_lib.models.scorecard_figures import FIGURES
from spm_lib.present.display import clean, holds
from spm_lib.present.findings.rows import row_of
from spm_lib.present.prose import describe_change, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching
    from spm_lib.models.scorecard import Scorecard

Row = Mapping[Any, Any]

_LABELS = {metric.name: metric.label for metric in FIGURES}


def scorecard_headline(card: Scorecard, look: Look) -> str:
    """Say in one sentence what the rep has won, and how far that is from the quota."""
    target, title = card.target, card.period.title
    revenue = row_of(card.figures, "revenue")
    if card.is_to_come:
        open_now = _due(card, look)
        return sentence(
            f"{title} begins on {look.date(card.period.start)}" + (f": {open_now}" if open_now else "")
        )
    if is_unknown(revenue["value"]):
        return sentence(f"what you won in {title} is not known")
    if revenue["value"] < 0:
        return _refunded(card, look)
    money, deals = look.value(revenue["value"], "currency"), _deals(card, look)
    if not revenue["n"]:
        open_now = _due(card, look)
        if card.is_over:
            return sentence(f"no deal of yours was won in {title}")
        if card.is_first_weeks:
            return _welcome(card, open_now, look)
        aim = (
            ""
            if math.isnan(target.quota)
            else f" towards your quota of {look.value(target.quota, 'currency')}"
        )
        return sentence(f"{title} is open{aim}" + (f": {open_now}" if open_now else ""))
    if math.isnan(target.quota):
        return sentence(f"you {'won' if card.is_over else 'have won'} {money} from {deals} in {title}")
    if target.reached:
        since = f" on {look.date(target.reached_on)}" if target.reached_on else ""
        beyond = f", {look.value(target.beyond, 'share')} beyond it" if target.beyond >= 0.0005 else ""
        quota = look.value(target.quota, "currency")
        return sentence(f"you reached your {title} quota{since}: {money} from {deals}, of {quota}{beyond}")
    share = look.value(target.revenue / target.quota, "share")
    if card.is_over:
        return sentence(f"you won {money} from {deals} in {title}, {share} of your quota")
    left = f"{look.value(target.missing, 'currency')} to go by {look.date(target.ends_on)}"
    return sentence(f"you have won {money} from {deals} in {title}, {share} of your quota, with {left}")


def _deals(card: Scorecard, look: Look) -> str:
    """Say how many deals the revenue is from: a refund is none, and takes off what they brought."""
    refunds = _refunds(card)
    deals = plural(row_of(card.figures, "revenue")["n"] - refunds, "deal", look=look)
    return deals + (f" less {plural(refunds, 'refund', look=look)}" if refunds else "")


def _refunds(card: Scorecard) -> int:
    """Count the refunds among what is won."""
    return int((card.won["amount"] < 0).sum())


def _refunded(card: Scorecard, look: Look) -> str:
    """Say in one sentence that more was refunded than won, and how far that is from the quota."""
    revenue, target = row_of(card.figures, "revenue"), card.target
    won = revenue["n"] - _refunds(card)
    more = f" more than you won from {plural(won, 'deal', look=look)}" if won else ""
    took = f"refunds {'took' if card.is_over else 'have taken'} {look.value(-revenue['value'], 'currency')}{more}"
    said = f"{took} in {card.period.title}"
    if card.is_over or math.isnan(target.quota):
        return sentence(said)
    return sentence(
        f"{said}, with {look.value(target.missing, 'currency')} to go to your quota by {look.date(target.ends_on)}"
    )


def _welcome(card: Scorecard, open_now: str, look: Look) -> str:
    quota = "" if math.isnan(card.target.quota) else look.value(card.target.quota, "currency")
    said = [f"your {card.period.title} quota is {quota}"] if quota else []
    said += [open_now] if open_now else []
    where = f"welcome to {card.team_name}" if card.team_name else "welcome"
    return sentence(where + (f": {', and '.join(said)}" if said else ""))


def scorecard_basis(card: Scorecard, look: Look) -> str:
    """Say what the figures count and what they lack: a move, a first period, days without any activity."""
    said = []
    if card.since is not None and card.moved:
        where = f"in {card.team_name}" if card.team_name else "here"
        said.append(f"You have been {where} since {look.date(card.since)}")
        said.append("All figures, and the quota, count for the days since then")
    elif card.since is not None and card.is_first_weeks:
        said.append(f"You began on {look.date(card.since)}")
        said.append("What takes more of your own work to tell is left out here until there is enough of it")
    if card.quiet_since is not None:
        quiet = look.date(card.quiet_since)
        said.append(
            f"The last activity of yours on record is of {quiet}; the days since then count all the same"
        )
    return sentences(said)


def past_finding(card: Scorecard, before: str, look: Look) -> str:
    """Say which figures differ beyond chance from the own past: the period before at the same point, or the own usual.

    Parameters
    ----------
    card
        The scorecard.
    before
        The period before, as people write it.
    """
    rows = [row for row in card.told.to_dict("records") if _tested(row)]
    if card.is_to_come:
        return ""
    if not rows and card.is_first_weeks:
        return "These are your first figures here." if len(card.told) else "Your first figures are to come."
    if not rows and card.is_new and card.since is not None:
        here = f"you have been here since {look.date(card.since)}"
        return sentence(f"{here}, and have no whole {_unit(card)} before this one to compare with")
    if not rows and card.figures[["difference", "usual_difference"]].notna().any(axis=None):
        return sentence(f"there are too few deals of yours in {card.period.title} to compare with your past")
    if not rows:
        return sentence(f"no figure can be compared with {before}")
    said = []
    for row in rows:
        unit, told = str(row["unit"]), ""
        if holds(row, "usual_significant"):
            usual = f"your usual {figure_value(row['usual'], unit, look)}"
            told = describe_change(row["usual_difference"], unit, usual, look=look)
        elif holds(row):
            told = describe_change(row["difference"], unit, before, look=look)
        said += [f"{_LABELS[str(row['metric'])]}: {told}"] if told else []
    rest = len(rows) - len(said)
    if not said:
        return "No figure of yours differs from your past beyond chance."
    others = "the other one is" if rest == 1 else f"the other {rest} are"
    return sentences([*said, f"{others} within your normal variation" if rest else ""])


def _tested(row: Row) -> bool:
    """Tell whether a figure was tested against the own past at all."""
    return not (is_unknown(row["p_value"]) and is_unknown(row["usual_p_value"]))


def figure_value(value: object, unit: str, look: Look) -> str:
    """Write a value of a figure; a mean of counts needs no more than one digit after the point."""
    if unit == "count" and not is_unknown(value):
        value = round(float(value), 1)  # type: ignore[arg-type]
    return look.value(value, unit)


def target_finding(card: Scorecard, look: Look) -> str:
    """Say what is missing to the quota: in money, by week, and in deals of the rep's own average size."""
    target = card.target
    if card.is_to_come:
        return ""
    if math.isnan(target.quota):
        return sentence(f"for {card.period.title} no quota of yours is on record: {target.note}" if target.note != "no quota"
                        else f"you carry no quota in {card.period.title}")  # fmt: skip
    if math.isnan(target.revenue):
        return sentence(f"how far you are from your {card.period.title} quota is not known")
    if target.reached:
        return sentence(f"your {card.period.title} quota is reached, and all that follows comes on top"
                        if target.days_left else f"your {card.period.title} quota was reached")  # fmt: skip
    missing = look.value(target.missing, "currency")
    if not target.days_left:
        return sentence(f"{missing} were missing to your quota of {look.value(target.quota, 'currency')}")
    by = look.date(target.ends_on)
    takes = [f"{look.value(target.per_week, 'currency')} a week"] if target.days_left > 7 else []
    if target.deals is not None:
        takes.append(f"{plural(target.deals, 'more deal', look=look)} like your average")
    return sentence(
        f"{missing} more by {by} makes your quota" + (f": {', or '.join(takes)}" if takes else "")
    )


def target_reading(card: Scorecard, coaching: Coaching, look: Look) -> str:
    """Say what is open against what is missing, what the rep's deals usually bring, and where the rep is heading."""
    target = card.target
    if math.isnan(target.quota) or math.isnan(target.revenue) or not target.days_left:
        return ""
    said = []
    open_now = _due(card, look)
    if open_now and not target.reached:
        said.append(f"{open_now}: {_against(target.due, target.missing, look)}")
    elif open_now:
        said.append(open_now)
    if target.deals and not target.reached:
        won = f"{plural(target.size.n, 'deal', look=look)} won"
        said.append(f"your average deal is {look.value(target.size.value, 'currency')} ({won})")
        if target.decisions is not None:
            rate, decided = (
                look.value(target.win_rate.value, "share"),
                plural(target.win_rate.n, "deal", look=look),
            )
            wins, of = (
                plural(target.deals, "win", look=look),
                plural(target.decisions, "decided deal", look=look),
            )
            verb = "comes" if target.deals == 1 else "come"
            said.append(f"at your win rate of {rate} ({decided}) {wins} {verb} out of about {of}")
    heading = outlook_of(card, coaching)
    if heading is not None:
        low, high = (look.value(heading[name], "currency") for name in ("low", "high"))
        said.append(
            f"as things stand you are heading for {low} to {high} by then; 8 of 10 such quarters end in that range"
        )
    return sentences(said)


def outlook_of(card: Scorecard, coaching: Coaching) -> Row | None:
    """Give the expected range of the period's revenue, where one was worked out for just this period and it is not over.

    Of who moved there is none: it counts the quota and the deals of the whole period, and the card those of the days here.
    """
    rows = coaching.people[coaching.people["rep_id"] == card.rep_id].to_dict("records")
    if (
        not rows
        or card.is_over
        or card.moved
        or coaching.ends_on != card.period.end
        or is_unknown(rows[0]["low"])
    ):
        return None
    return rows[0]


def middle_note(card: Scorecard, look: Look) -> str:
    """Say what the usual and the team's middle are, and where there are too few people to tell a middle."""
    figures = card.told[card.told["value"].notna()]
    periods = int(figures["usual_n"].max()) if len(figures) else 0
    unit = _unit(card)
    said = []
    if periods:
        said.append(
            f"Your usual: the last {plural(periods, f'complete {unit}', look=look)}, money and deals created as far into "
            f"each as this {unit} has come"
        )
    if figures["metric"].eq("deals_created").any():
        said.append("Deals created: those of the period that are yours now")
    told = figures[figures["middle"].notna()]["n_people"]
    if len(told):
        least, most = (look.value(n, "count") for n in (told.min(), told.max()))
        many = most if least == most else f"{least} to {most}"
        said.append(
            f"The team's middle: the mean of the three or four in the middle of the {many} people of your team who have "
            "the figure"
        )
    elif not card.is_first_weeks:
        said.append("There are too few people in your team to tell a middle")
    return sentences(said)


def data_basis(source: str, as_of: dt.date, latest: dt.date | None, look: Look) -> str:
    """Say where the figures come from and how old they are, as far as one person needs to know it.

    Parameters
    ----------
    source
        Name of the source.
    as_of
        The report's day.
    latest
        The latest day on which anything in the data happened.
    """
    said = f"From {clean(source)}, as known at the end of {look.date(as_of)}"
    if latest is None or latest >= as_of:
        return sentence(said)
    return sentence(f"{said}; the latest event in the data is of {look.date(latest)}")


def won_finding(card: Scorecard, look: Look) -> str:
    """Say how many deals were won or, where none was, how many were begun; nothing where that is none either."""
    created = row_of(card.figures, "deals_created")["value"]
    won = len(card.won) - _refunds(card)
    count, done = (won, "won") if won else (created, "created")
    if is_unknown(count) or not count:
        return ""
    deals, so_far = plural(count, "deal", look=look), "" if card.is_over else " so far"
    return sentence(f"you {'' if card.is_over else 'have '}{done} {deals} in {card.period.title}{so_far}")


def _unit(card: Scorecard) -> str:
    kind = str(card.period.kind).removeprefix("fiscal_")
    return kind if kind in ("week", "month", "quarter", "year") else "period"


def _due(card: Scorecard, look: Look) -> str:
    target = card.target
    count = target.due_n + target.due_unknown
    if not count:
        return ""
    worth = f" worth {look.value(target.due, 'currency')}" if target.due_n else ""
    unknown = ""
    if target.due_unknown and target.due_n:
        unknown = f" ({target.due_unknown} without a known amount)"
    deals = plural(count, "open deal", look=look)
    return f"{deals}{worth}{unknown} {'is' if count == 1 else 'are'} expected to close by {look.date(target.ends_on)}"


def _against(due: float, missing: float, look: Look) -> str:
    if due <= 0 or pd.isna(due):
        return "what it will bring is not known"
    return f"{look.value(due / missing, 'ratio')} what is missing"
