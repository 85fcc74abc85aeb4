"""Commands about delivery: send reports to their readers, and look after the outbox."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from spm_lib import terminal
from spm_lib.cli.application import app
from spm_lib.cli.delivery_gates import shut_aloud
from spm_lib.cli.delivery_tables import show_delivery, show_outbox, show_round
from spm_lib.cli.delivery_trials import send_previews, write_mails
from spm_lib.cli.making import put_index
from spm_lib.cli.options import (
    JsonOption,
    ReportsOption,
    RunSpecArgument,
    StoreOption,
    now,
    settings_of,
    utc,
)
from spm_lib.cli.project import specs_of, today_of
from spm_lib.errors import ParameterError, SpmError, UnknownNameError, did_you_mean, one_line
from spm_lib.settings import Settings

if TYPE_CHECKING:
    from spm_lib.press.deliver.mail_server import MailServer
    from spm_lib.press.deliver.outbox import Outbox, Verdict
    from spm_lib.press.spec import Spec


class SendingEnded(NamedTuple):
    """How a sending ended.

    Parameters
    ----------
    code
        The exit code.
    untold
        Why no owner was told of it; empty where one was, or there was nothing to tell.
    """

    code: int
    untold: str = ""


@app.command()
def send(
    spec: RunSpecArgument,
    store: StoreOption = None,
    reports: ReportsOption = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", help="The reports of this day (yyyy-mm-dd); by default of the run that ended last."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Send nothing: show who would get what and why, and write the mails as files."
        ),
    ] = False,
    into: Annotated[
        Path | None, typer.Option("--into", help="Where --dry-run writes them; by default out/mails/SPEC.")
    ] = None,
    preview: Annotated[
        str | None,
        typer.Option("--preview", help="Send one mail of each report to this address, and to nobody else."),
    ] = None,
    resend: Annotated[
        bool, typer.Option("--resend", help="Send what went out before once more, as a corrected report.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Send a spec's last reports to their readers, each once; what cannot be sent, and why, goes to the owner."""
    settings = settings_of(store=store, reports=reports)
    if dry_run and preview is not None:
        raise ParameterError("--dry-run sends nothing and --preview does", mend="Leave one of them out")
    if dry_run:
        raise typer.Exit(write_mails(spec, settings, into, day=_day(as_of), resend=resend, json=json))
    # An address that a script left empty is none, and no word to send to all readers.
    if preview is not None:
        raise typer.Exit(send_previews(spec, settings, preview, day=_day(as_of), resend=resend, json=json))
    raise typer.Exit(send_reports(spec, settings, day=_day(as_of), resend=resend, json=json).code)


@app.command()
def outbox(
    store: StoreOption = None,
    spec: Annotated[str | None, typer.Option("--spec", help="Only mails of this spec.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that were accepted too, not only what is left to do.")
    ] = False,
    accepted: Annotated[
        list[int] | None, typer.Option("--accepted", help="This unknown mail arrived, as its reader said.")
    ] = None,
    again: Annotated[
        list[int] | None,
        typer.Option(
            "--again", help="This mail did not arrive, was rejected, given up or cancelled: send it again."
        ),
    ] = None,
    cancel: Annotated[
        list[int] | None, typer.Option("--cancel", help="This mail waits, and shall not be sent.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the mails that were not accepted; settle those that are unknown, send again, cancel what waits."""
    from spm_lib.data.ledger import ledger_path
    from spm_lib.press.deliver.outbox import Outbox

    settings = settings_of(store=store)
    box = Outbox(ledger_path(settings.store))
    if spec is not None:
        _check_name(spec, settings, box)
    asked: tuple[tuple[list[int] | None, Verdict, str], ...] = (
        (accepted, "accepted", "Accepted"),
        (again, "again", "Waits for the next spm send"),
        (cancel, "cancel", "Cancelled"),
    )
    for mails, verdict, word in asked:
        for mail in mails or ():
            settled = box.resolve(mail, verdict, utc())
            if not json:
                terminal.say(f"{word}: {settled.name}")
    done = ("accepted", "cancelled")
    show_outbox([each for each in box.states(spec) if everything or each.state not in done], json=json)


def send_reports(
    spec: Path,
    settings: Settings,
    *,
    day: dt.date | None = None,
    today: dt.date | None = None,
    shut: Sequence[str] | None = None,
    troubles: Sequence[str] = (),
    resend: bool = False,
    json: bool = False,
) -> SendingEnded:
    """Decide, send, tell the owner, write the index.

    Parameters
    ----------
    spec, settings, resend, json
        As the command's options.
    day
        The day of the reports; None for that of the run that ended last.
    today
        The day on which they are sent; None for the one that it is where the spec's schedule is at home.
    shut
        Why gates are shut; None to look at them now.
    troubles
        What else the owner has to hear.
    """
    from spm_lib.data.ledger import ledger_path
    from spm_lib.press.deliver.delivery import decide, deliver
    from spm_lib.press.spec import load_spec

    content, ledger = load_spec(spec), ledger_path(settings.store)
    server, here = _server(settings), today or today_of(content, now())
    # Data are old by today, or by the day that a person named.
    reasons = shut_aloud(content, settings, today=day or here, keep=True) if shut is None else shut
    decisions = decide(
        content,
        settings.store,
        settings.reports,
        ledger,
        today=here,
        as_of=day,
        shut=reasons,
        resend=resend,
        linked=server.reports_url is not None,
    )
    with terminal.counting_mails(quiet=json) as tell:
        found = deliver(
            decisions,
            server,
            _specs(settings, content),
            settings.reports,
            ledger,
            clock=utc,
            today=here,
            environ=_environment(settings),
            troubles=troubles,
            progress=tell,
        )
    indexed = _index(settings)
    show_delivery(found, json=json)
    if found.sent.interrupted:
        return SendingEnded(130)
    return SendingEnded(0 if found.complete and not found.untold and indexed else 1, found.untold)


def tell_owner(
    spec: Spec,
    settings: Settings,
    troubles: Sequence[str],
    *,
    today: dt.date | None = None,
    json: bool = False,
) -> SendingEnded:
    """Tell a spec's owner of troubles, the store's too, and nobody else anything new.

    Parameters
    ----------
    spec
        The spec: of one that cannot be read now, what is known of it.
    settings, json
        As the command's options.
    troubles
        What there is to tell, a sentence each.
    today
        As of `send_reports`.
    """
    from spm_lib.data.ledger import ledger_path
    from spm_lib.press.deliver.delivery import deliver, owners_alone

    here = today or today_of(spec, now())
    found = deliver(
        owners_alone(spec, settings.store, today=here),
        _server(settings),
        # One that cannot be read now is not among them: its readers' mails wait until it can.
        _specs(settings),
        settings.reports,
        ledger_path(settings.store),
        clock=utc,
        today=here,
        environ=_environment(settings),
        troubles=troubles,
    )
    show_delivery(found, json=json)
    return SendingEnded(130) if found.sent.interrupted else SendingEnded(1, found.untold)


def send_what_waits(settings: Settings, *, json: bool = False) -> int:
    """Send what waits of any spec and may be tried again, and tell owners what ended badly; give the exit code.

    Raises
    ------
    DeliveryError
        Where another sender is at it, or the settings name no mail server.
    """
    from spm_lib.data.ledger import ledger_path
    from spm_lib.press.deliver.outbox import Outbox
    from spm_lib.press.deliver.post import Post, has_work

    ledger, today = ledger_path(settings.store), now().date()
    if not has_work(Outbox(ledger), now=utc(), today=today):
        return 0
    post = Post(
        _server(settings),
        _specs(settings),
        settings.store,
        settings.reports,
        ledger,
        clock=utc,
        today=today,
        environ=_environment(settings),
    )
    made = post.tell(post.send())
    indexed = _index(settings)
    show_round(made, json=json)
    if made.sent.interrupted:
        return 130
    return 0 if made.complete and indexed else 1


def _day(as_of: str | None) -> dt.date | None:
    from spm_lib.periods import parse_date

    return None if as_of is None else parse_date(as_of)


def _check_name(name: str, settings: Settings, box: Outbox) -> None:
    """Raise where neither the outbox nor the project knows a spec of a name."""
    good, broken = specs_of(settings)
    known = {*box.specs(), *(spec.name for spec in good), *broken}
    if name not in known:
        raise UnknownNameError(
            f"there is no spec '{one_line(name, 60)}', and no mail of one", mend=did_you_mean(name, known)
        )


def _index(settings: Settings) -> bool:
    """Write the index; tell whether that went well: mails have left by now, and are told of all the same."""
    try:
        put_index(settings)
    except SpmError as error:
        terminal.complain(str(error))
        return False
    return True


def _server(settings: Settings) -> MailServer:
    from spm_lib.press.deliver.mail_server import MailServer

    return MailServer.from_environment(os.environ, settings.root / ".env")


def _environment(settings: Settings) -> dict[str, str]:
    from spm_lib.press.deliver.mail_server import settings_said

    return settings_said(os.environ, settings.root / ".env")


def _specs(settings: Settings, *more: Spec) -> dict[str, Spec]:
    """Give the specs that can be read, by name: mails of any of them may wait."""
    return {spec.name: spec for spec in (*specs_of(settings)[0], *more)}
