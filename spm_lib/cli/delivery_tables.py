"""What the commands about delivery print: who gets what and why, and what became of mails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from spm_lib import terminal

if TYPE_CHECKING:
    from spm_lib.press.deliver.delivery import Decisions, Delivered
    from spm_lib.press.deliver.dispatch import Dispatch
    from spm_lib.press.deliver.entry import Entry
    from spm_lib.press.deliver.outcome import Outcome
    from spm_lib.press.deliver.post import Round
    from spm_lib.press.deliver.sent import Sent

#: What becomes of a report, as a person reads it.
_WORDS = {
    "send": "to send",
    "notice": "nothing to report",
    "withhold": "not sent",
    "hold": "held",
    "sent": "sent before",
}


def show_decisions(decisions: Decisions, *, json: bool = False) -> None:
    """Print who would get what and why."""
    if json:
        terminal.show_json(_decided(decisions))
        return
    _complain_of_gates(decisions.shut)
    rows = []
    for each in decisions.dispatches:
        readers = [f"{one.address} ({one.why})" for one in each.addressed.to] if each.goes_out else []
        dropped = [f"not {one.recipient}: {one.why}" for one in each.addressed.dropped]
        rows.append(
            (
                each.job.label,
                _WORDS[each.word],
                each.reason,
                "; ".join([*readers, *dropped]),
                each.subject_line,
            )
        )
    terminal.show_rows(("report", "", "why", "to", "subject"), rows)


def show_previews(
    decisions: Decisions, outcomes: Sequence[tuple[Entry, Outcome]], *, json: bool = False
) -> None:
    """Print what became of previews, beside who would get what and why."""
    if json:
        said = [{"subject": entry.headline, "report": entry.report, **vars(done)} for entry, done in outcomes]
        terminal.show_json({**_decided(decisions), "previews": said})
        return
    show_decisions(decisions)
    for entry, done in outcomes:
        terminal.say(f"{entry.headline}: {done.state}: {done.reply}")


def show_delivery(found: Delivered, *, json: bool = False) -> None:
    """Print how a delivery ended."""
    if json:
        chats = [_mail(each) for each in found.chats]
        reports = _plain(found.dispatches)
        terminal.show_json(
            {
                "reports": reports,
                **_counted(found.sent),
                "chats": chats,
                "gates": list(found.shut),
                "owner_told": found.owner_told,
                "untold": found.untold,
            }
        )
        return
    _complain_of_gates(found.shut)
    held = [each for each in found.dispatches if each.word in ("hold", "withhold")]
    for each in held:
        terminal.complain(f"{each.job.label}: {_WORDS[each.word]}: {each.reason}")
    for each in found.dispatches:
        if each.goes_out:
            for one in each.addressed.dropped:
                terminal.complain(f"{each.job.label}: {one.recipient} is sent nothing: {one.why}")
    for each in found.dispatches:
        if each.news:
            terminal.complain(f"{each.job.label}: {each.news}")
    show_sent(found.sent, before=sum(each.word == "sent" for each in found.dispatches), chats=found.chats)
    _complain_of(found.sent, found.untold)


def show_round(made: Round, *, json: bool = False) -> None:
    """Print what became of what waited."""
    if json:
        chats = [_mail(each) for each in made.chats]
        terminal.show_json(_counted(made.sent) | {"chats": chats, "untold": "; ".join(made.untold)})
        return
    show_sent(made.sent, chats=made.chats)
    for text in made.troubles:
        terminal.complain(text)
    _complain_of(made.sent, "; ".join(made.untold))


def _complain_of(sent: Sent, untold: str) -> None:
    if sent.stopped is not None:
        terminal.complain(str(sent.stopped))
    if untold:
        terminal.complain(f"No owner was told: {untold}")


def _complain_of_gates(shut: Iterable[str]) -> None:
    for text in shut:
        terminal.complain(f"A gate is shut: {text}")


def show_sent(sent: Sent, *, before: int = 0, chats: Sequence[Entry] = ()) -> None:
    """Print what became of mails, and of notices in chats; `before` is how many reports had gone out before."""
    troubles = (*sent.rejected, *sent.unknown, *sent.given_up, *sent.waiting)
    troubles += tuple(each for each in chats if each.state != "accepted")
    if troubles:
        show_outbox(troubles)
    counts = [f"{sent.accepted} mails accepted by the server"]
    counts += [
        f"{len(entries)} {word}"
        for word, entries in (
            ("rejected", sent.rejected),
            ("unknown", sent.unknown),
            ("given up", sent.given_up),
            ("waiting", sent.waiting),
        )
        if entries
    ]
    told = sum(each.state == "accepted" for each in chats)
    counts += [f"{told} chats told"] if told else []
    counts += [f"{before} reports sent before"] if before else []
    terminal.say(f"{', '.join(counts)}.")


def show_outbox(entries: Sequence[Entry], *, json: bool = False) -> None:
    """Print mails and their states."""
    if json:
        terminal.show_json([_mail(each) for each in entries])
        return
    if not entries:
        terminal.say("No mail is left to look at; all of them with --all")
        return
    rows = [
        (
            str(each.mail_id),
            each.state.replace("_", " "),
            each.name,
            str(each.attempts),
            each.changed_at.astimezone().strftime("%Y-%m-%d %H:%M %Z") if each.changed_at else "",
            each.reply,
        )
        for each in entries
    ]
    terminal.show_rows(("mail", "state", "what, to whom", "tries", "since", "why"), rows)


def _decided(decisions: Decisions) -> dict[str, Any]:
    owners = [one.address for one in decisions.owners.to]
    return {"reports": _plain(decisions.dispatches), "owners": owners, "gates": list(decisions.shut)}


def _counted(sent: Sent) -> dict[str, Any]:
    return {
        "accepted": sent.accepted,
        "rejected": [_mail(each) for each in sent.rejected],
        "unknown": [_mail(each) for each in sent.unknown],
        "given_up": [_mail(each) for each in sent.given_up],
        "waiting": [_mail(each) for each in sent.waiting],
        "stopped": str(sent.stopped) if sent.stopped else None,
        "interrupted": sent.interrupted,
    }


def _plain(dispatches: Iterable[Dispatch]) -> list[dict[str, Any]]:
    return [
        {
            "report": each.report,
            "team": each.job.team,
            "rep": each.job.rep,
            "period": each.job.period,
            "as_of": each.job.as_of,
            "decision": each.word,
            "reason": each.reason,
            "revision": each.revision,
            "subject": each.subject_line,
            "to": [vars(one) for one in each.addressed.to] if each.goes_out else [],
            "dropped": [vars(one) for one in each.addressed.dropped],
        }
        for each in dispatches
    ]


def _mail(entry: Entry) -> dict[str, Any]:
    return {
        "mail": entry.mail_id,
        "state": entry.state,
        "kind": entry.kind,
        "spec": entry.spec,
        "subject": entry.subject,
        "period": entry.period,
        "as_of": entry.as_of,
        "revision": entry.revision,
        "recipient": entry.recipient,
        "message_id": entry.message_id,
        "attempts": entry.attempts,
        "changed_at": entry.changed_at.isoformat() if entry.changed_at else None,
        "reply": entry.reply,
    }
