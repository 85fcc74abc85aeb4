"""Spec files: YAML checked against a model, every mistake told with its file, line and mend.

Scalars are read as YAML 1.2, so ``on``, ``yes`` and ``no`` are text. Dates stay the text they were written
as, and so do numbers that begin with a zero: an id ``007`` is not seven. Anchors, aliases, merge keys and
tags are refused: a spec says what it means where it means it.
"""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from spm_lib.errors import SpecError, SpmError, did_you_mean, one_line

M = TypeVar("M", bound=BaseModel)
Keys = tuple[str | int, ...]

SIZE_LIMIT = 5_000_000

_TAG = "tag:yaml.org,2002:"
_MENDS = {
    "string": "Write text, in quotes where it looks like a number",
    "int": "Write a whole number",
    "float": "Write a number",
    "bool": "Write true or false",
    "list": "Write a list, one '- item' a line",
    "tuple": "Write a list, one '- item' a line",
    "dict": "Write 'key: value' lines beneath it",
    "model": "Write 'key: value' lines beneath it",
    "date": "Write a date like 2017-12-31",
}


def mistake(what: str, mend: str) -> PydanticCustomError:
    """Give an error for a model's validator to raise, so that the reader is told the mend too."""
    # pydantic formats its messages: what a user wrote must not be taken for a field.
    return PydanticCustomError("spec", "{what}", {"what": what, "mend": mend})


def _to_text(value: Any) -> Any:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


#: Text that may be written like a number or a date: ``period: 2017``, ``as_of: 2017-12-31``.
Text = Annotated[str, BeforeValidator(_to_text)]


class SpecPart(BaseModel):
    """A part of a spec: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class SpecDocument(Generic[M]):
    """A spec as it was read, and where each part of it stands.

    Parameters
    ----------
    model
        The checked contents.
    path
        The file.
    lines
        Line, from 1, by keys: ``lines["tables", "deals"]``.
    """

    model: M
    path: Path
    lines: Mapping[Keys, int]

    def line_of(self, *keys: str | int) -> int:
        """Give the line on which `keys` stands, or the nearest part above it that stands in the file."""
        return _line_of(self.lines, keys)

    def where(self, *keys: str | int) -> str:
        """Give ``file:line`` of `keys`, for an error's `where`."""
        return f"{self.path}:{self.line_of(*keys)}"

    def error(self, what: str, *keys: str | int, mend: str) -> SpecError:
        """Give the error that `what` is wrong at `keys`, to be raised by the caller."""
        return SpecError(what, where=self.where(*keys), mend=mend)


def read_spec(path: Path | str, model: type[M]) -> M:
    """Read the spec at `path` into `model`; see `read_document`."""
    return read_document(path, model).model


def read_document(path: Path | str, model: type[M]) -> SpecDocument[M]:
    """Read the spec at `path`, and keep the lines of its parts.

    Parameters
    ----------
    path
        A YAML file in UTF-8.
    model
        What it must be. Unknown keys are refused where the model's configuration says ``extra="forbid"``.

    Returns
    -------
    SpecDocument

    Raises
    ------
    SpecError
        Where the file is missing, not YAML, or not what the model says; it names file, line and mend.
    """
    path = Path(path)
    lines: dict[Keys, int] = {(): 1}
    data = _read_yaml(path, lines)
    try:
        checked = model.model_validate(data)
    except ValidationError as error:
        raise _explain(error, path, lines, model) from None
    except SpmError as error:
        raise SpecError(error.what, where=str(path), mend=error.mend) from None
    return SpecDocument(checked, path, lines)


def _read_yaml(path: Path, lines: dict[Keys, int]) -> dict[str | int, Any]:
    text = _read_text(path)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise _broken(error, path) from None
    except (YAMLError, RecursionError) as error:
        what = (
            "is nested too deeply" if isinstance(error, RecursionError) else "has characters that no text has"
        )
        raise SpecError(
            f"the file {what}", where=str(path), mend="Open it in an editor and mend it"
        ) from None
    if node is None:
        raise SpecError("the file is empty", where=str(path), mend="Write 'key: value' lines into it")
    reader = _Reader(path, lines)
    data = reader.read(node, ())
    if not isinstance(data, dict):
        mend = "Write 'key: value' lines"
        raise SpecError("the file holds no keys", where=f"{path}:{node.start_mark.line + 1}", mend=mend)
    return data


def _read_text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > SIZE_LIMIT:
            raise SpecError("the file is too large to be a spec", where=str(path), mend="Name a YAML file")
        raw = path.read_bytes()
    except FileNotFoundError:
        beside = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        mend = did_you_mean(path.name, beside) if beside else "Check the path"
        raise SpecError("there is no such file", where=str(path), mend=mend) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SpecError(
            f"the file cannot be read: {reason}", where=str(path), mend="Name a YAML file"
        ) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        mend = "Save it as UTF-8"
        raise SpecError("the file is not in UTF-8", where=f"{path}:{line}", mend=mend) from None


def _broken(error: MarkedYAMLError, path: Path) -> SpecError:
    mark = error.problem_mark or error.context_mark
    where = f"{path}:{mark.line + 1}" if mark else str(path)
    problem = str(error.problem or error.context)
    if "'\\t'" in problem:
        return SpecError("a tab stands where only spaces may", where=where, mend="Indent with spaces")
    if "mapping values are not allowed" in problem:
        mend = "Put the value in double quotes, or start a new line before the second key"
        return SpecError("a second ':' on one line", where=where, mend=mend)
    if "another document" in problem:
        return SpecError("a second document begins here", where=where, mend="Keep one document per file")
    if "cannot start any token" in problem:
        return SpecError(f"the YAML is broken: {problem}", where=where, mend="Put the value in double quotes")
    if "undefined alias" in problem or "duplicate anchor" in problem:
        return SpecError(f"the YAML is broken: {problem}", where=where, mend="Write the value out")
    mend = "Check quotes, brackets and indentation on this line and the one above"
    return SpecError(f"the YAML is broken: {problem}", where=where, mend=mend)


class _Reader:
    """Turns YAML nodes into plain values, and notes the line of each."""

    def __init__(self, path: Path, lines: dict[Keys, int]) -> None:
        self.path = path
        self.lines = lines
        self.seen: set[int] = set()

    def read(self, node: Any, keys: Keys) -> Any:
        if id(node) in self.seen:
            raise self.error("an alias", node, "Write the value out: aliases are not read")
        self.seen.add(id(node))
        kind = str(node.tag).removeprefix(_TAG)
        if isinstance(node.value, str):
            return self.scalar(node, kind)
        if kind == "map":
            return self.mapping(node, keys)
        if kind != "seq":
            raise self.error(f"the tag '{node.tag}'", node, "Leave it out: tags are not read")
        items = []
        for number, item in enumerate(node.value):
            self.lines[(*keys, number)] = item.start_mark.line + 1
            items.append(self.read(item, (*keys, number)))
        return items

    def mapping(self, node: Any, keys: Keys) -> dict[str | int, Any]:
        found: dict[str | int, Any] = {}
        for key_node, value in node.value:
            if not isinstance(key_node.value, str):
                raise self.error("a key that is a list or mapping", key_node, "Write a word as key")
            if str(key_node.tag) == _TAG + "merge":
                raise self.error("a merge key '<<'", key_node, "Write the keys out")
            key = key_node.value
            path = (*keys, key)
            line = key_node.start_mark.line + 1
            if key in found:
                what = f"the key '{one_line(key, 60)}' stands twice, first on line {self.lines[path]}"
                mend = "Leave one of them out"
                raise SpecError(what, where=f"{self.path}:{line}", mend=mend)
            self.lines[path] = line
            found[key] = self.read(value, path)
        return found

    def scalar(self, node: Any, kind: str) -> Any:
        text = node.value
        if kind in ("str", "timestamp"):
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return int(text) if re.fullmatch(r"[-+]?(0|[1-9][0-9]{0,18})", text, re.ASCII) else text
        if kind == "float":
            return float(text) if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", text, re.ASCII) else text
        raise self.error(f"the tag '{node.tag}'", node, "Leave it out: tags are not read")

    def error(self, what: str, node: Any, mend: str) -> SpecError:
        return SpecError(f"there is {what}", where=f"{self.path}:{node.start_mark.line + 1}", mend=mend)


def _explain(
    error: ValidationError, path: Path, lines: Mapping[Keys, int], model: type[BaseModel]
) -> SpecError:
    """Make one line of what the model refuses: an unknown key first, as it often explains the rest."""
    details = error.errors(include_url=False)
    first = min(
        details,
        key=lambda d: (d["type"] != "extra_forbidden", d["type"] == "missing", _line_of(lines, d["loc"])),
    )
    what, mend = _say(first, _follow(lines, first["loc"]), model)
    return SpecError(what, where=f"{path}:{_line_of(lines, first['loc'])}", mend=mend)


def _say(detail: ErrorDetails, keys: Keys, model: type[BaseModel]) -> tuple[str, str]:
    """Give what is wrong, and its mend; `keys` is where in the file it is wrong."""
    kind, context, last = detail["type"], detail.get("ctx", {}), one_line(str((*detail["loc"], "")[-2]), 60)
    if kind == "extra_forbidden":
        known = _fields_at(model, detail["loc"][:-1])
        return f"unknown key '{last}'{_inside(keys[:-1])}", did_you_mean(last, known)
    if kind == "missing":
        return f"the key '{last}' is missing{_inside(keys)}", f"Add {last}:"
    name = one_line(".".join(str(k) for k in keys), 80)
    given = one_line(str(detail["input"]), 40)
    if kind == "union_tag_invalid":
        key = str(context["discriminator"]).strip("'")
        given = one_line(str(context["tag"]), 40)
        return f"'{key}'{_inside(keys)} is '{given}'", did_you_mean(given, _quoted(context["expected_tags"]))
    if kind in ("literal_error", "enum"):
        return f"'{name}' is '{given}'", did_you_mean(given, _quoted(context["expected"]))
    prefix = f"{name}: " if name else ""
    if kind == "spec":
        return f"{prefix}{context['what']}", str(context["mend"])
    mend = next((m for start, m in _MENDS.items() if kind.startswith(start)), "Mend the value")
    if kind == "value_error":
        return prefix + detail["msg"].removeprefix("Value error, "), mend
    said = "should hold keys" if kind.startswith("model") else detail["msg"].removeprefix("Input ")
    return f"'{name}' {said}; it is '{given}'", mend


def _inside(keys: Keys) -> str:
    return f" in '{one_line('.'.join(str(k) for k in keys), 80)}'" if keys else ""


def _quoted(text: object) -> list[str]:
    return re.findall(r"'([^']*)'", str(text))


def _fields_at(model: type[BaseModel], location: Keys) -> set[str]:
    """Give the keys that the model knows at `location`, whichever of a union's members stands there."""
    here: list[Any] = [model]
    for key in location:
        below = [b for kind in here for b in _below(kind, key)]
        here = below or here  # pydantic names the member of a union in the location: no step down
    return {name for kind in here for m in _models(kind) for name in _names(m)}


def _below(kind: Any, key: str | int) -> Iterator[Any]:
    for one in _members(kind):
        if isinstance(one, type) and issubclass(one, BaseModel):
            for name, field in one.model_fields.items():
                if key in (name, field.alias):
                    yield field.annotation
        elif get_origin(one) in (dict, Mapping) and isinstance(key, str):
            yield get_args(one)[1]
        elif get_origin(one) in (list, tuple, set, frozenset) and isinstance(key, int):
            yield get_args(one)[0]


def _members(kind: Any) -> Iterator[Any]:
    if get_origin(kind) is Annotated:
        yield from _members(get_args(kind)[0])
    elif get_origin(kind) in (Union, types.UnionType):
        for one in get_args(kind):
            yield from _members(one)
    else:
        yield kind


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    for one in _members(kind):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _follow(lines: Mapping[Keys, int], location: Keys) -> Keys:
    """Follow `location` as far as the file goes, passing over the names of a union's members."""
    keys: Keys = ()
    for key in location:
        if (*keys, key) in lines:
            keys = (*keys, key)
    return keys


def _line_of(lines: Mapping[Keys, int], location: Keys) -> int:
    return lines[_follow(lines, location)]
