"""Feedback that people write down: checked before it is kept, one clear line for each that cannot be."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from spm_lib.calendars import parse_date
from spm_lib.data.coaching_ledger import Agreement, CoachingLedger, Feedback
from spm_lib.data.feedback_file import FeedbackRow
from spm_lib.data.people import People
from spm_lib.data.roster import Rep, managers_above
from spm_lib.errors import ParameterError, PeriodError, SpmError
from spm_lib.models.coaching.levers import lever_named

#: The most characters that are kept of an action.
ACTION_LIMIT = 500

#: What was agreed longer ago, or is looked at later than this after it was, is a slip of the pen.
OLDEST, FURTHEST = dt.timedelta(days=5 * 366), dt.timedelta(days=2 * 366)
_GAP = re.compile(r"[\W_]+")

#: Control characters, halves of characters, and ends of lines or paragraphs. Marks of direction are a writer's good right;
#: who shows text keeps their effect within it.
_REFUSED = {"Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True)
class RefusedRow:
    """A row of a sheet that is not kept.

    Parameters
    ----------
    line
        Its line.
    why
        What is wrong with it and what to write instead, in one line.
    """

    line: int
    why: str


@dataclass(frozen=True)
class Loaded:
    """What came of a sheet.

    Parameters
    ----------
    recorded
        What is in the ledger now and was not before.
    already
        What was there before.
    refused
        Rows that are not kept.
    cut
        Lines of which the action was cut to `ACTION_LIMIT` characters.
    naming
        Lines of which the action names a colleague, see `colleagues_named`.
    """

    recorded: tuple[Agreement, ...]
    already: tuple[Agreement, ...]
    refused: tuple[RefusedRow, ...]
    cut: tuple[int, ...]
    naming: tuple[int, ...] = ()


def checked(
    cells: Mapping[str, str], people: People, there: Mapping[Hashable, Agreement], *, today: dt.date
) -> Feedback:
    """Make feedback of what somebody wrote.

    Parameters
    ----------
    cells
        Text by name: rep_id (an id, or a name that is nobody else's), lever, action, review_on, agreed_on. Where the last is
        empty the day of agreement is `today`, or an earlier one on which the same was agreed until the same review.
    people
        The store's people.
    there
        What is in the ledger, see `by_review`.
    today
        The day on which this is written.

    Returns
    -------
    Feedback
        Its action is the text as it was written, cut to `ACTION_LIMIT` characters.

    Raises
    ------
    SpmError
        Where it says something impossible: an unknown rep or lever, one who left or is in no team, no action, a date that is
        none or years off, a review before the agreement, an agreement in the future or before the rep was hired.
    """
    if not cells["rep_id"].strip():
        raise ParameterError("the rep is missing", mend="Write an id or a name")
    rep = people.called(cells["rep_id"])
    lever = lever_named(cells["lever"].strip())
    action = checked_text(cells["action"], "the action")[:ACTION_LIMIT].rstrip()
    review = _day(cells["review_on"], "the review")
    # A sheet that is loaded again holds no new agreements, though it names no days or somebody has left since.
    before = there.get((rep.rep_id, lever.name, action, review))
    if before is None:
        _refuse_absent(rep, people)
    agreed = before.agreed_on if before else today
    if cells["agreed_on"].strip():
        agreed = _day(cells["agreed_on"], "the day of agreement")
    if agreed > today:
        what = f"the day of agreement, {agreed}, is yet to come"
        raise ParameterError(what, mend=f"Write a day up to {today}")
    if review < agreed:
        what = f"the review, {review}, lies before the day of agreement, {agreed}"
        raise ParameterError(what, mend="Write a later day")
    if before is None or before.agreed_on != agreed:
        _refuse_far_off(rep, agreed, review, today)
    return Feedback(rep.rep_id, lever.name, action, agreed, review)


def _refuse_absent(rep: Rep, people: People) -> None:
    """Refuse somebody whom no report tells of."""
    who = f"{rep.name} ({rep.rep_id})"
    if rep.left_on is not None and rep.left_on < people.day:
        what = f"{who} has left: the last day of work was {rep.left_on}"
        raise ParameterError(what, mend="Name somebody who is at work")
    # Where nobody is in a team the data do not tell of teams.
    if rep.team_id is None and any(other.teams for other in people.by_id.values()):
        what = f"{who} is in no team on {people.day}, so no report would show it"
        raise ParameterError(what, mend="Name a member of a team")


def _refuse_far_off(rep: Rep, agreed: dt.date, review: dt.date, today: dt.date) -> None:
    """Refuse days that cannot be meant."""
    if rep.hired_on is not None and agreed < rep.hired_on:
        what = f"the day of agreement, {agreed}, lies before {rep.name} ({rep.rep_id}) was hired, on {rep.hired_on}"
        raise ParameterError(what, mend="Write a later day")
    if today - agreed > OLDEST:
        what = f"the day of agreement, {agreed}, lies more than five years back"
        raise ParameterError(what, mend="Look at the year")
    if review - agreed > FURTHEST:
        what = f"the review, {review}, lies more than two years after the day of agreement, {agreed}"
        raise ParameterError(what, mend="Look at the year")


def colleagues_named(feedback: Feedback, people: People) -> tuple[str, ...]:
    """Give the names and ids of others that an action holds: a rep's scorecard that names another is not sent.

    Whole names count, as they are written, but for those of the people whom the rep reports to.
    """
    rep = people.by_id.get(feedback.rep_id)
    own = {feedback.rep_id, *(managers_above(rep, (), people.by_id) if rep else ())}
    text = f" {_words(feedback.action)} "
    shared = {_words(people.by_id[key].name) for key in own if key in people.by_id}
    found = (
        name
        for key, other in people.by_id.items()
        if key not in own
        for name in (other.name, key)
        if len(_words(name)) > 1
        and not name.isdigit()
        and _words(name) not in shared
        and f" {_words(name)} " in text
    )
    return tuple(dict.fromkeys(found))


def _words(text: str) -> str:
    return _GAP.sub(" ", text).strip()


def by_review(agreements: Iterable[Agreement]) -> dict[Hashable, Agreement]:
    """Give agreements by rep, lever, action and day of review."""
    return {(one.rep_id, one.lever, one.action, one.review_on): one for one in agreements}


def checked_text(text: str, what: str) -> str:
    """Give text without space around it.

    Raises
    ------
    ParameterError
        Where it is empty, or holds more than one line or control characters; `what` it is begins the message.
    """
    text = text.strip()
    if not text:
        raise ParameterError(f"{what} is empty", mend="Write what is going to be done")
    if any(unicodedata.category(character) in _REFUSED for character in text):
        raise ParameterError(f"{what} holds line breaks or control characters", mend="Write it on one line")
    return text


def load_feedback(
    rows: Sequence[FeedbackRow],
    people: People,
    ledger: CoachingLedger,
    *,
    today: dt.date,
    made_at: dt.datetime,
) -> Loaded:
    """Keep the good rows of a sheet, in one go, and tell what is wrong with each of the others.

    Parameters
    ----------
    rows
        See `spm_lib.data.feedback_file.read_feedback_file`.
    people
        The store's people.
    ledger
        Where they are kept.
    today
        The day on which the sheet is loaded.
    made_at
        When this is.
    """
    good: dict[Feedback, int] = {}
    firsts: dict[Hashable, int] = {}
    refused: list[RefusedRow] = []
    cut: list[int] = []
    naming: list[int] = []
    there = by_review(ledger.agreements())
    for row in rows:
        try:
            if row.cells is None:
                mend = "Look for a delimiter or a quote too many"
                raise ParameterError("the line has another number of cells than the header", mend=mend)
            feedback = checked(row.cells, people, there, today=today)
            key = (feedback.rep_id, feedback.lever, feedback.action, feedback.agreed_on)
            first = firsts.setdefault(key, row.line)
            if first != row.line:
                raise ParameterError(f"line {first} holds the same agreement", mend="Leave one of them out")
        except SpmError as error:
            refused.append(RefusedRow(row.line, str(error)))
            continue
        good[feedback] = row.line
        if len(row.cells["action"].strip()) > ACTION_LIMIT:
            cut.append(row.line)
        if colleagues_named(feedback, people):
            naming.append(row.line)
    recorded: list[Agreement] = []
    already: list[Agreement] = []
    for feedback, agreement in zip(good, ledger.agree_all(good, made_at=made_at), strict=True):
        try:
            (recorded if is_new(agreement, feedback, made_at) else already).append(agreement)
        except ParameterError as error:
            refused.append(RefusedRow(good[feedback], str(error)))
    in_order = sorted(refused, key=lambda row: row.line)
    return Loaded(tuple(recorded), tuple(already), tuple(in_order), tuple(cut), tuple(naming))


def is_new(agreement: Agreement, feedback: Feedback, made_at: dt.datetime) -> bool:
    """Tell whether `agreement`, given for `feedback` at `made_at`, was not in the ledger before.

    Raises
    ------
    ParameterError
        Where it was, with another day of review, which stands.
    """
    if agreement.made_at == made_at:
        return True
    if agreement.review_on != feedback.review_on:
        what = f"this is in the ledger already, as {agreement.agreement_id}, with its review on {agreement.review_on}"
        mend = f"To change it, first remove it with: spm feedback remove {agreement.agreement_id}"
        raise ParameterError(what, mend=mend)
    return False


def _day(text: str, what: str) -> dt.date:
    # A spreadsheet's cell of a day is a moment, midnight.
    try:
        return parse_date(text.strip().removesuffix("T00:00:00"))
    except PeriodError as error:
        raise ParameterError(f"{what}: {error.what}", mend=error.mend) from None
