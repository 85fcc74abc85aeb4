"""One call of ``spm schedule run-due``: what is due is loaded, made, checked and sent, and its owners are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from spm_lib import terminal
from spm_lib.cli.delivery_gates import shut_aloud
from spm_lib.cli.options import now, utc
from spm_lib.cli.project import specs_of, today_of
from spm_lib.errors import DeliveryError, SpmError
from spm_lib.settings import Settings

if TYPE_CHECKING:
    from spm_lib.cli.delivery import SendingEnded
    from spm_lib.cli.making import ReportsMade
    from spm_lib.press.schedule.due import Told, WorkOutcome
    from spm_lib.press.schedule.slot_ledger import SlotLedger
    from spm_lib.press.spec import Spec

#: The exit code of a step that was stopped by Ctrl-C or SIGTERM.
INTERRUPTED = 130


@dataclass
class Turn:
    """One call of ``spm schedule run-due``.

    Parameters
    ----------
    settings
        Where things are.
    jobs
        Reports made side by side; None for one a core.
    json
        Whether a program reads what the steps print.
    code
        The exit code so far: 0 where all is well.
    loaded
        What went wrong with each source that was loaded in this turn, None where nothing did: specs due at the same time
        share what they load.
    """

    settings: Settings
    jobs: int | None = None
    json: bool = False
    code: int = 0
    loaded: dict[Path, str | None] = field(default_factory=dict)

    def run(self) -> tuple[Told, ...] | None:
        """Run what is due and tell it; None where another call is at it."""
        from spm_lib.press.schedule.due import run_due

        specs, broken = specs_of(self.settings)
        for error in broken.values():
            terminal.complain(str(error))
            self.code = 1
        ledger = slot_ledger(self.settings)
        told = run_due(
            specs,
            ledger,
            clock=utc,
            work=self.work,
            tell=self.tell,
            unread={name: str(error) for name, error in broken.items()},
            folder=self.settings.root / "params",
        )
        for one, line in _lines(told or ()):
            if one.state == "done":
                terminal.say(line)
            else:
                terminal.complain(line)
                self.code = max(self.code, int(one.state != "waits"))
        if told is None:
            self._complain_of_what_hangs(ledger)
        else:
            self._send_what_waits()
        return told

    def _complain_of_what_hangs(self, ledger: SlotLedger) -> None:
        slot = ledger.hanging(now=utc())
        if slot is not None:
            terminal.complain(
                f"{slot.spec}: {slot.at}: at work since {slot.claimed_at}, and nothing else is run meanwhile. Where it "
                "hangs, end that process: the next call takes the slot up again"
            )
            self.code = 1

    def _send_what_waits(self) -> None:
        """Send mails that an earlier slot could not: the next one may be a week away."""
        from spm_lib.cli.delivery import send_what_waits

        try:
            self._go_on(send_what_waits(self.settings, json=self.json))
        except DeliveryError as error:
            terminal.complain(str(error))
            # Another one that sends has those mails in hand.
            self.code = max(self.code, int(not error.passing))

    def work(self, spec: Spec, slot: dt.datetime, troubles: tuple[str, ...]) -> WorkOutcome:
        """Load, make, check the gates, send; tell the owner what there is to tell."""
        from spm_lib.press.schedule.due import WorkOutcome

        try:
            return self._work(spec, today_of(spec, slot), troubles)
        except SpmError as error:
            if not error.passing:
                raise
            return WorkOutcome(False, str(error), again=True)
        except RuntimeError as error:
            # What DuckDB makes of Ctrl-C and SIGTERM.
            if str(error) == "Query interrupted":
                raise KeyboardInterrupt from error
            raise

    def _work(self, spec: Spec, today: dt.date, troubles: tuple[str, ...]) -> WorkOutcome:
        from spm_lib.cli.making import ReportsMade, run_reports
        from spm_lib.press.schedule.due import WorkOutcome

        failed = tuple(text for text in map(self.load, self._sources(spec)) if text is not None)
        made = ReportsMade(0)
        shut: tuple[str, ...] = ()
        if not failed:
            made = run_reports(
                spec.document.path,
                self.settings,
                today=today,
                jobs=self.jobs,
                json=self.json,
                # Readers are sent one report of a day: not one without scores because a person scores at this moment.
                raise_passing=True,
            )
            # Stopped, not done: the slot stays claimed and is taken up again.
            self._go_on(made.code)
            shut = shut_aloud(spec, self.settings, today=today, keep=True)
        try:
            sent = (
                self._send(spec, shut, troubles, made)
                if not failed
                else self._tell(spec, (*troubles, *failed))
            )
        except DeliveryError as error:
            if error.passing:
                raise
            # What waits is sent by a later call, and the owner told.
            note = "; ".join((*failed, str(error), *shut, *made.unscored, *made.failed))
            return WorkOutcome(False, note, heard=False)
        self._go_on(sent.code)
        heard = not sent.untold
        if failed:
            return WorkOutcome(False, failed[0], heard=heard)
        self.code = max(self.code, int(bool(made.unscored)))
        notes = [
            *shut,
            *made.unscored,
            *(["some reports failed or are held"] * bool(made.code)),
            *(["not all was sent"] * bool(sent.code)),
        ]
        return WorkOutcome(True, "; ".join(notes), heard=heard)

    def tell(self, spec: Spec, slot: dt.datetime, troubles: tuple[str, ...]) -> None:
        """Tell a spec's owner of what was missed or failed; nothing was made, so nobody else gets anything."""
        told = self._tell(spec, troubles)
        self._go_on(told.code)
        if told.untold:
            raise DeliveryError(told.untold)

    def _go_on(self, code: int) -> None:
        """Take over a step's exit code; a step that a person or the system stopped stops all."""
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        self.code = max(self.code, min(code, 1))

    def _send(
        self, spec: Spec, shut: tuple[str, ...], troubles: tuple[str, ...], made: ReportsMade
    ) -> SendingEnded:
        from spm_lib.cli.delivery import send_reports

        if spec.content.deliver is None:
            # Nobody is sent these reports, so that no sending finds what failed.
            return self._tell(spec, (*troubles, *shut, *made.unscored, *made.failed))
        return send_reports(
            spec.document.path,
            self.settings,
            day=made.day,
            shut=shut,
            troubles=(*troubles, *made.unscored),
            json=self.json,
        )

    def _tell(self, spec: Spec, troubles: tuple[str, ...]) -> SendingEnded:
        from spm_lib.cli.delivery import SendingEnded, tell_owner

        if not troubles:
            return SendingEnded(0)
        if spec.content.owner is None:
            for text in troubles:
                terminal.complain(f"{spec.name}: {text}")
            return SendingEnded(1)
        return tell_owner(spec, self.settings, troubles, json=self.json)

    def load(self, source: Path) -> str | None:
        """Load a source once a turn; give what went wrong."""
        from spm_lib.data.ingest import ingest

        if source not in self.loaded:
            try:
                with terminal.working(f"Loading {source}", quiet=self.json) as say:
                    summary = ingest(source, self.settings.store, now=now(), progress=say)
            except SpmError as error:
                if error.passing:
                    raise
                self.loaded[source] = f"The source {source.stem} could not be loaded: {error}"
            else:
                self.loaded[source] = None
                terminal.show_ingest(summary, json=self.json)
        return self.loaded[source]

    def _sources(self, spec: Spec) -> tuple[Path, ...]:
        folder = spec.document.path.parent / "sources"
        return tuple(folder / f"{name.removesuffix('.yml')}.yml" for name in spec.content.ingest_first)


def _lines(told: Sequence[Told]) -> Iterator[tuple[Told, str]]:
    """Say what became of each slot, and of many missed ones in one line: there may be one for each minute of a year."""
    from spm_lib.press.schedule.due import NAMED

    for (spec, state), alike in groupby(told, key=lambda one: (one.spec, one.state)):
        slots = list(alike)
        if state == "missed" and len(slots) > NAMED:
            yield (
                slots[-1],
                (f"{spec}: {len(slots)} missed, from {slots[0].at} to {slots[-1].at}: {slots[-1].note}"),
            )
            continue
        for one in slots:
            words = (spec, str(one.at), state, one.note) if one.at else (spec, one.note)
            yield one, ": ".join(word for word in words if word)


def slot_ledger(settings: Settings) -> SlotLedger:
    """Give the slots' ledger."""
    from spm_lib.data.ledger import ledger_path
    from spm_lib.press.schedule.slot_ledger import SlotLedger

    return SlotLedger(ledger_path(settings.store))
