"""Run specs: one YAML file in ``params/`` says which notebook is run, for whom, when, and who gets it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    field_validator,
    model_validator,
)

from spm_lib.errors import PeriodError, SpecError, did_you_mean
from spm_lib.periods import parse_date, parse_period
from spm_lib.press.deliver.deliver_spec import Deliver
from spm_lib.press.deliver.directory import DIRECTORY_FILE
from spm_lib.press.environment_name import EnvironmentName
from spm_lib.press.gates_spec import Gates
from spm_lib.press.recipients import OwnerAddress
from spm_lib.press.schedule.schedule_spec import Schedule
from spm_lib.spec_file import SpecDocument, SpecPart, Text, mistake, read_document

#: Parameters that the plan sets for each report; a spec does not.
PLANNED = ("team", "rep", "period", "as_of", "audience")
#: And where they come from.
SET_ELSEWHERE = "Set it by for_each, period, as_of, and audience under deliver"

#: YAML files in ``params/`` that say something else than which reports are made: the company's own words, which reports
#: tell, and its recipients. A run spec has another name.
WORDS_FILES = frozenset({"coaching_playbook.yml", "recognition.yml"})
OTHER_FILES = WORDS_FILES | {DIRECTORY_FILE}

AS_OF_WORDS = ("latest", "today")

#: Any day will do to see whether a text is a period at all.
_SOME_DAY = dt.date(2020, 1, 1)


def _period(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        try:
            parse_period(value, as_of=_SOME_DAY)
        except PeriodError as error:
            raise mistake(error.what, error.mend) from None
    return value


def _as_of(value: object) -> object:
    if isinstance(value, str) and value not in AS_OF_WORDS:
        try:
            return parse_date(value)
        except PeriodError as error:
            near = did_you_mean(value, AS_OF_WORDS)
            mend = near if near.startswith("Did") else f"{error.mend}, or latest, or today"
            raise mistake(error.what, mend) from None
    return value


PeriodText = Annotated[str, BeforeValidator(_period)]
AsOf = Annotated[dt.date | Literal["latest", "today"], BeforeValidator(_as_of)]


class Below(SpecPart):
    """One team of the tree and all teams below it."""

    parent: Text


class ForEach(SpecPart):
    """What one report is made for: teams, reps or the company; and which periods.

    Teams and reps are all there are, some by id, or those of one part of the tree: `{rep: {parent: emea}}`.
    """

    team: Literal["all"] | Annotated[list[Text], Field(min_length=1)] | Below | None = None
    rep: Literal["all"] | Annotated[list[Text], Field(min_length=1)] | Below | None = None
    company: Literal[True] | None = None
    period: PeriodText | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> ForEach:
        given = [name for name in ("team", "rep", "company") if getattr(self, name) is not None]
        if len(given) != 1:
            raise mistake("exactly one of team, rep and company is expected", "Write it like {team: all}")
        return self


class Limits(SpecPart):
    """What one report may take: seconds a cell and in all, and megabytes of its kernel's data, on Linux."""

    cell_seconds: Annotated[int, Field(ge=1)] = 600
    seconds: Annotated[int, Field(ge=1)] = 1800
    memory_mb: Annotated[int, Field(ge=1000)] | None = None


class RunSpec(SpecPart):
    """The YAML file, key by key.

    A team that a report names links to its page of the spec `links_to`. `env` names variables of the environment that
    the kernel is given: secrets, whose values are masked in all that is kept. A report with names of others than its
    team's is held, but for the names in `shared_names`. With `score`, open deals are scored before reports are planned.
    Source specs in `ingest_first` are loaded before a
    scheduled run; the `owner` hears of whatever fails or is held, and nobody else does.
    """

    notebook: str
    for_each: ForEach
    period: PeriodText | None = None
    as_of: AsOf = "latest"
    parameters: dict[str, Any] = Field(default_factory=dict)
    links_to: Text | None = None
    ingest_first: tuple[Text, ...] = ()
    score: StrictBool = False
    env: tuple[EnvironmentName, ...] = ()
    shared_names: tuple[Text, ...] = ()
    limits: Limits = Limits()
    gates: Gates = Gates()
    schedule: Schedule | None = None
    deliver: Deliver | None = None
    owner: OwnerAddress | None = None

    @field_validator("parameters")
    @classmethod
    def _free_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in PLANNED:
            if name in value:
                raise mistake(f"'{name}' is not set here", SET_ELSEWHERE)
        return value


@dataclass(frozen=True)
class Spec:
    """A run spec that was read and whose notebook exists.

    Parameters
    ----------
    name
        The file's name without its ending; the reports' first folder.
    document
        What the file says, and on which lines.
    notebook
        The notebook it runs.
    """

    name: str
    document: SpecDocument[RunSpec]
    notebook: Path

    @property
    def content(self) -> RunSpec:
        """What the file says."""
        return self.document.model


def load_spec(path: Path | str) -> Spec:
    """Read a run spec and find its notebook in the folder ``notebooks`` beside ``params``.

    Parameters
    ----------
    path
        The YAML file.

    Returns
    -------
    Spec

    Raises
    ------
    SpecError
        Where the file cannot be read, is one of `OTHER_FILES`, says something impossible, or names a notebook that is
        not there.
    """
    path = Path(path)
    if path.name in OTHER_FILES:
        mend = did_you_mean(path.name, (spec.name for spec in run_specs(path.parent)))
        raise SpecError("this file is no run spec", where=str(path), mend=mend)
    document = read_document(path, RunSpec)
    _check_link(document)
    return Spec(path.stem, document, _find_notebook(document))


def run_specs(folder: Path) -> tuple[Path, ...]:
    """Give the run specs in a folder: its YAML files but for `OTHER_FILES`, in order of their names."""
    return tuple(sorted(path for path in folder.glob("*.y*ml") if path.name not in OTHER_FILES))


def words_hash(folder: Path) -> str:
    """Give the hash of what the company's own words in a folder say: a report that tells them is stale once they change."""
    found = hashlib.sha256()
    for name in sorted(WORDS_FILES):
        path = folder / name
        found.update(name.encode() + (path.read_bytes() if path.is_file() else b""))
    return found.hexdigest()


def _check_link(document: SpecDocument[RunSpec]) -> None:
    name = document.model.links_to
    known = {p.stem for p in run_specs(document.path.resolve().parent)}
    if name is not None and name not in known:
        raise document.error(
            f"there is no spec '{name}' to link to", "links_to", mend=did_you_mean(name, known)
        )


def _find_notebook(document: SpecDocument[RunSpec]) -> Path:
    parents = document.path.resolve().parents
    folder = next((p / "notebooks" for p in parents if (p / "notebooks").is_dir()), None)
    if folder is None:
        mend = "Keep specs in params/ and notebooks in notebooks/ of one folder"
        raise document.error("there is no folder notebooks beside params", "notebook", mend=mend)
    name = document.model.notebook.removesuffix(".ipynb")
    found = {p.relative_to(folder).with_suffix("").as_posix(): p for p in sorted(folder.rglob("*.ipynb"))}
    known = {n: p for n, p in found.items() if not any(part.startswith(".") for part in Path(n).parts)}
    if name not in known:
        raise document.error(f"there is no notebook '{name}'", "notebook", mend=did_you_mean(name, known))
    return known[name]
