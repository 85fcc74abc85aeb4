"""The playbook: what a manager may suggest, by lever, in the company's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from spm_lib.errors import ParameterError, UnknownNameError, one_line
from spm_lib.models.coaching.feedback import checked_text
from spm_lib.models.coaching.levers import lever_named
from spm_lib.models.coaching.steps import stage_of
from spm_lib.spec_file import SpecDocument, mistake, read_document

#: The file's name in ``params/``.
PLAYBOOK_FILE = "coaching_playbook.yml"

#: The most characters of one action, and the most actions of one lever.
LENGTH_LIMIT, COUNT_LIMIT = 200, 3

#: The lever whose actions may differ by stage.
STAGED = "stage_conversion"


@dataclass(frozen=True)
class Playbook:
    """What may be suggested.

    Parameters
    ----------
    by_lever
        Actions by the lever's name; a lever that is not in it has the library's own.
    by_stage
        Actions for stage conversion by the stage that is left, in lower case.
    """

    by_lever: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_stage: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def actions(self, lever: str, part: str = "") -> tuple[str, ...]:
        """Give what may be suggested for a lever, the first thing first.

        Parameters
        ----------
        lever
            Its name.
        part
            For stage conversion, the stage that is left, see `spm_lib.models.coaching.steps`.

        Returns
        -------
        tuple of str
            One to three sentences without a full stop, to be escaped by whoever shows them.

        Raises
        ------
        UnknownNameError
            Where there is no such lever.
        """
        label = lever_named(lever).label
        steps = (self.by_stage.get(name.casefold()) for name in (part, stage_of(part)))
        staged = next((step for step in steps if step), None) if lever == STAGED else None
        default = (
            f"Look at two or three recent deals together, and agree on one thing to change about {label}"
        )
        return staged or self.by_lever.get(lever) or (default,)


def load_playbook(path: Path | None) -> Playbook:
    """Read a playbook.

    Parameters
    ----------
    path
        The YAML file; None for a company without one.

    Raises
    ------
    SpecError
        Where the file cannot be read, names an unknown lever, or holds an action that is empty or too long.
    """
    if path is None:
        return Playbook()
    document = read_document(path, _File)
    for lever in document.model.actions:
        _check_lever(document, lever)
    stages: dict[str, tuple[str, ...]] = {}
    for stage, actions in document.model.by_stage.items():
        if stage.casefold() in stages:
            what = f"the stage '{one_line(stage, 60)}' stands twice"
            raise document.error(what, "by_stage", stage, mend="Leave one of them out")
        stages[stage.casefold()] = actions
    return Playbook(document.model.actions, stages)


def find_playbook(root: Path) -> Playbook:
    """Read the playbook in the folder ``params`` under `root`; there need not be one.

    Raises
    ------
    SpecError
        As `load_playbook`.
    """
    path = root / "params" / PLAYBOOK_FILE
    return load_playbook(path if path.is_file() else None)


def _action(text: str) -> str:
    try:
        text = checked_text(text, "the action")
    except ParameterError as error:
        raise mistake(error.what, error.mend) from None
    if len(text) > LENGTH_LIMIT:
        raise mistake(f"the action has {len(text)} characters", f"Keep it to {LENGTH_LIMIT}")
    return text


def _few(actions: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(actions) <= COUNT_LIMIT:
        raise mistake(
            f"there are {len(actions)} actions", f"Write one to {COUNT_LIMIT}, or leave the key out"
        )
    return actions


_Actions = Annotated[tuple[Annotated[str, AfterValidator(_action)], ...], AfterValidator(_few)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: dict[str, _Actions] = Field(default_factory=dict)
    by_stage: dict[str, _Actions] = Field(default_factory=dict)


def _check_lever(document: SpecDocument[_File], lever: str) -> None:
    try:
        lever_named(lever)
    except UnknownNameError as error:
        raise document.error(error.what, "actions", lever, mend=error.mend) from None
