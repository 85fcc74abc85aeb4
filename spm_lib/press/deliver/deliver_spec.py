"""The part ``deliver`` of a run spec: who gets the reports, when, and under which subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Discriminator, Field, StrictBool, Tag, field_validator, model_validator

from spm_lib.press.deliver.subject_line import check_subject
from spm_lib.press.environment_name import EnvironmentName
from spm_lib.press.recipients import Address, LeaderAddress, address_key
from spm_lib.spec_file import SpecPart, mistake

_Bound = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Threshold(SpecPart):
    """Send only where a metric lies below or above a value."""

    metric: str
    below: _Bound | None = None
    above: _Bound | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Threshold:
        if (self.below is None) == (self.above is None):
            raise mistake("either below or above is expected", "Write it like {metric: win_rate, below: 0.2}")
        return self


def _when(value: object) -> str:
    return "threshold" if isinstance(value, (dict, Threshold)) else "word"


When = Annotated[
    Annotated[Literal["always", "changed"], Tag("word")] | Annotated[Threshold, Tag("threshold")],
    Discriminator(_when),
]

#: What becomes of a report that shows no figure: it is sent, a notice says so in its place, or its owner is told.
Empty = Literal["send", "notice", "hold"]


class Deliver(SpecPart):
    """Who gets the reports, when, and under which subject.

    Recipients are addresses, roles of ``params/recipients.yml``, or what each report finds for itself, see
    `spm_lib.press.recipients`. What a report says of coaching is for managers, and for those recipients who are also named
    under `leaders`; with `audience: team` it is left out, and anybody may be sent the rest, see `spm_lib.press.audience`. A
    report on a team or rep stays with its team and those above, see `spm_lib.press.deliver.addressing`: who else may get it
    is named under `leaders`, or under `others`, which gives no right to coaching. With `attach: false` the mail links to
    the report instead of carrying it. `chat` names environment variables that hold the addresses of chats, as Apprise writes
    them, which are told headline and link of what everybody may read.
    """

    to: list[Address]
    cc: list[Address] = Field(default_factory=list)
    leaders: list[LeaderAddress] = Field(default_factory=list)
    others: list[LeaderAddress] = Field(default_factory=list)
    when: When = "always"
    empty: Empty = "hold"
    subject: str | None = None
    attach: StrictBool = True
    chat: tuple[EnvironmentName, ...] = ()
    audience: Literal["manager", "team"] = "manager"

    @field_validator("to")
    @classmethod
    def _somebody(cls, value: list[str]) -> list[str]:
        if not value:
            raise mistake("nobody is named", "Write at least one address, or leave deliver out")
        return value

    @field_validator("subject")
    @classmethod
    def _known_fields(cls, value: str | None) -> str | None:
        return None if value is None else check_subject(value)

    @model_validator(mode="after")
    def _named_get_it(self) -> Deliver:
        self._refuse_unsent("leader", self.leaders)
        self._refuse_unsent("other", self.others)
        return self

    def _refuse_unsent(self, kind: str, named: Sequence[str]) -> None:
        sent = {address_key(address) for address in (*self.to, *self.cc)}
        for address in named:
            if address_key(address) not in sent:
                who = "the leader" if kind == "leader" else "the other recipient"
                raise mistake(f"{who} '{address}' is sent nothing", "Add the address to cc")
