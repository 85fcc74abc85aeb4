"""Commands about feedback: what was agreed with a rep is written down, listed, loaded from a sheet, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spm_lib import terminal
from spm_lib.cli.application import app
from spm_lib.cli.options import JsonOption, StoreOption, now, settings_of, utc
from spm_lib.data.coaching_ledger import Agreement, CoachingLedger
from spm_lib.data.ledger import ledger_path
from spm_lib.errors import UnknownNameError, one_line
from spm_lib.models.coaching.levers import LEVERS

if TYPE_CHECKING:
    from spm_lib.data.people import People
    from spm_lib.models.coaching.feedback import Loaded

feedback = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write down what was agreed with a rep; the next reports show it, and what came of it.",
)
app.add_typer(feedback, name="feedback")


@feedback.command()
def add(
    rep: Annotated[str, typer.Argument(help="The rep's id, or a name that nobody else has.")],
    lever: Annotated[str, typer.Option("--lever", help=f"What is worked on: {', '.join(LEVERS)}.")],
    action: Annotated[str, typer.Option("--action", help="What the rep is going to do, in your words.")],
    review: Annotated[str, typer.Option("--review", help="When you both look at it again: yyyy-mm-dd.")],
    agreed: Annotated[
        str | None, typer.Option("--agreed", help="When it was agreed: yyyy-mm-dd; by default today.")
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Write down one piece of feedback."""
    from spm_lib.models.coaching.feedback import ACTION_LIMIT, by_review, checked, colleagues_named, is_new

    people, ledger = _open(store)
    cells = {
        "rep_id": rep,
        "lever": lever,
        "action": action,
        "review_on": review,
        "agreed_on": agreed or "",
    }
    wanted = checked(cells, people, by_review(ledger.agreements()), today=now().date())
    made_at = utc()
    (made,) = ledger.agree_all((wanted,), made_at=made_at)
    new = is_new(made, wanted, made_at)
    named = colleagues_named(made, people)
    if json:
        terminal.show_json({"new": new, **_record(made, people), "names": list(named)})
        return
    terminal.say(
        f"{'Recorded' if new else 'Recorded already'} as {made.agreement_id}: {_sentence(made, people)}"
    )
    if len(action.strip()) > ACTION_LIMIT:
        terminal.say(f"Mind: the action was cut to {ACTION_LIMIT} characters.")
    if named:
        who = ", ".join(one_line(name, 60) for name in named)
        terminal.say(
            f"Mind: the action names {who}; a scorecard that names a colleague is held back. Take it back with: "
            f"spm feedback remove {made.agreement_id}, and write it without the name."
        )
    if made.agreed_on > people.day:
        terminal.say(
            f"Reports as of {made.agreed_on} or later show it; the data in this store end on {people.day}."
        )


@feedback.command("list")
def list_feedback(
    rep: Annotated[str | None, typer.Option("--rep", help="Only this rep's: an id or a name.")] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show what was agreed, earliest first."""
    people, ledger = _open(store)
    # Who is in the ledger may be in the store no more.
    known = {agreement.rep_id for agreement in ledger.agreements()} if rep else set()
    reps = None if rep is None else (rep if rep in known else people.called(rep).rep_id,)
    found = ledger.agreements(reps=reps)
    if json:
        terminal.show_json([_record(agreement, people) for agreement in found])
    elif not found:
        of = f" for {one_line(rep, 80)}" if rep else ""
        terminal.say(f"There is no feedback{of} yet. Write some down with: spm feedback add")
    else:
        _show(found, people)


@feedback.command()
def load(
    file: Annotated[
        Path,
        typer.Argument(help="CSV or Excel with rep_id, lever, action, review_on and, perhaps, agreed_on."),
    ],
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="The text's encoding; UTF-8 and UTF-16 are found out.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", help="What parts the columns; by default found out.")
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Load a sheet of feedback: what is good is kept, what is not is listed line by line (exit code 1)."""
    from spm_lib.data.feedback_file import read_feedback_file
    from spm_lib.models.coaching.feedback import load_feedback

    people, ledger = _open(store)
    rows = read_feedback_file(file, encoding=encoding, delimiter=delimiter)
    loaded = load_feedback(rows, people, ledger, today=now().date(), made_at=utc())
    if json:
        terminal.show_json(
            {
                "recorded": [_record(agreement, people) for agreement in loaded.recorded],
                "already": [_record(agreement, people) for agreement in loaded.already],
                "refused": [vars(row) for row in loaded.refused],
                "cut": list(loaded.cut),
                "naming": list(loaded.naming),
            }
        )
    else:
        _tell(loaded, file)
    raise typer.Exit(1 if loaded.refused else 0)


@feedback.command()
def remove(
    number: Annotated[int, typer.Argument(metavar="ID", help="Its number, see: spm feedback list")],
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Take one piece of feedback back, with all that was measured of it."""
    people, ledger = _open(store)
    found = next((one for one in ledger.agreements() if one.agreement_id == number), None)
    if found is None or not ledger.withdraw(number):
        mend = "See the numbers with: spm feedback list"
        raise UnknownNameError(f"there is no feedback {number}", where=str(ledger.path), mend=mend)
    if json:
        terminal.show_json(_record(found, people))
    else:
        terminal.say(f"Removed {number}: {_sentence(found, people)}")


def _open(store: Path | None) -> tuple[People, CoachingLedger]:
    """Give the people of the store, and the ledger beside it."""
    from spm_lib.data.people import people_of
    from spm_lib.data.store import open_store

    path = settings_of(store=store).store
    with open_store(path) as opened:
        return people_of(opened), CoachingLedger(ledger_path(path))


def _name(agreement: Agreement, people: People) -> str:
    person = people.by_id.get(agreement.rep_id)
    return one_line(person.name if person else agreement.rep_id, 60)


def _label(agreement: Agreement) -> str:
    lever = LEVERS.get(agreement.lever)
    return lever.label if lever else one_line(agreement.lever, 60)


def _sentence(agreement: Agreement, people: People) -> str:
    return (
        f"{_name(agreement, people)}, {_label(agreement)}: “{one_line(agreement.action, 600)}”, "
        f"agreed on {agreement.agreed_on}, review on {agreement.review_on}."
    )


def _record(agreement: Agreement, people: People) -> dict[str, Any]:
    person = people.by_id.get(agreement.rep_id)
    return {
        "agreement_id": agreement.agreement_id,
        "rep_id": agreement.rep_id,
        "rep_name": person.name if person else None,
        "lever": agreement.lever,
        "action": agreement.action,
        "agreed_on": agreement.agreed_on,
        "review_on": agreement.review_on,
        "made_at": agreement.made_at.isoformat(),
    }


def _show(agreements: Sequence[Agreement], people: People) -> None:
    table = Table()
    for column in ("id", "rep", "works on", "agreed action", "agreed on", "review on"):
        table.add_column(column, justify="right" if column == "id" else "left", overflow="fold")
    for one in agreements:
        cells = (_name(one, people), _label(one), one_line(one.action, 600))
        table.add_row(
            str(one.agreement_id),
            *(escape(cell) for cell in cells),
            str(one.agreed_on),
            str(one.review_on),
        )
    Console(highlight=False).print(table)


def _tell(loaded: Loaded, file: Path) -> None:
    for row in loaded.refused:
        terminal.complain(f"{file}:{row.line}: {row.why}")
    counts = [f"{len(loaded.recorded)} recorded"]
    if loaded.already:
        counts.append(f"{len(loaded.already)} recorded already")
    if loaded.refused:
        counts.append(f"{len(loaded.refused)} refused")
    terminal.say(", ".join(counts) + ".")
    if loaded.cut:
        terminal.say(f"Mind: the action was cut in line {', '.join(str(line) for line in loaded.cut)}.")
    if loaded.naming:
        lines = ", ".join(str(line) for line in loaded.naming)
        terminal.say(
            f"Mind: the action names a colleague in line {lines}; a scorecard that does is held back. Take it back with "
            "spm feedback remove, and write it without the name."
        )
    if loaded.refused:
        terminal.say("Mend these lines and load the file again: what is recorded is not recorded twice.")
