"""Strict parameters: what a notebook declares, and nothing else, in types that JSON has."""

from __future__ import annotations

import ast
import datetime as dt
import keyword
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spm_lib.errors import ParameterError, did_you_mean, one_line
from spm_lib.press.notebook import PARAMETERS_TAG, content

#: Kinds of values by what a person calls them.
_CALLED = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "date": "a date",
    "none": "null",
}
_ANNOTATIONS = {
    "str": "str",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "list": "list",
    "List": "list",
    "Sequence": "list",
    "tuple": "list",
    "dict": "dict",
    "Dict": "dict",
    "Mapping": "dict",
    "date": "date",
    "None": "none",
}
_Kinds = frozenset[str]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook.

    Parameters
    ----------
    name
        The variable it sets.
    kinds
        What it may be: any of ``str int float bool list dict date none``; empty for anything.
    default
        The default as it is written in the notebook.
    """

    name: str
    kinds: frozenset[str]
    default: str

    @property
    def called(self) -> str:
        """The type in words."""
        return " or ".join(word for kind, word in _CALLED.items() if kind in self.kinds) or "any value"


def check_names(names: Iterable[str]) -> None:
    """Raise ValueError where a name cannot be a variable: Papermill writes names into code as they are."""
    for name in names:
        if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
            raise ValueError(f"'{one_line(name, 60)}' cannot be the name of a parameter")


def declared(notebook: Path) -> dict[str, Parameter]:
    """Give the parameters that a notebook declares in its cell tagged ``parameters``.

    Parameters
    ----------
    notebook
        The notebook's path.

    Returns
    -------
    dict of str to Parameter
        By name, in order.

    Notes
    -----
    Papermill's ``inspect_notebook`` reads line by line with a pattern that misses ``team: str | None = None``
    and every value that holds an equals sign; the cell is Python, so Python's own parser reads it here.
    """
    cells = [cell for cell in content(notebook).cells if PARAMETERS_TAG in cell.tags]
    if not cells:
        return {}
    if len(cells) > 1:
        raise ParameterError(
            "two cells are tagged parameters",
            where=str(notebook),
            mend="Papermill fills the first alone: keep one",
        )
    lines = ["" if line.startswith(("%", "!")) else line for line in cells[0].source.splitlines()]
    try:
        body = ast.parse("\n".join(lines)).body
    except SyntaxError as error:
        where = f"{notebook}, cell tagged parameters, line {error.lineno}"
        raise ParameterError("this is not Python", where=where, mend="Mend the cell") from None
    found: dict[str, Parameter] = {}
    for statement in body:
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.value
        ):
            kinds = _annotated(statement.annotation)
            found[statement.target.id] = Parameter(statement.target.id, kinds, ast.unparse(statement.value))
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    kinds = _of_default(statement.value)
                    found[target.id] = Parameter(target.id, kinds, ast.unparse(statement.value))
    return found


def checked(
    known: Mapping[str, Parameter], given: Mapping[str, object], *, where: str = ""
) -> dict[str, Any]:
    """Check values against what a notebook declares, before any kernel starts.

    Parameters
    ----------
    known
        The notebook's parameters, see `declared`.
    given
        Values by name. Dates become ISO text; a `period` that YAML read as a number becomes text.
    where
        The file and line they come from, for the error.

    Returns
    -------
    dict
        The same values, in types that JSON has.

    Raises
    ------
    ParameterError
        Where the notebook has no such parameter, or the value is of another type.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise ParameterError(
                f"the notebook has no parameter '{one_line(name, 60)}'",
                where=where,
                mend=did_you_mean(name, known),
            )
        try:
            check_names([name])
            values[name] = _fit(known[name], value)
        except ValueError as error:
            raise ParameterError(str(error), where=where) from None
    return values


def _fit(parameter: Parameter, value: object) -> Any:
    if parameter.name == "period" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    is_date = isinstance(value, dt.date)
    value = _plain(parameter.name, value)
    kind = _kind(value)
    fits = kind in parameter.kinds or (kind == "int" and "float" in parameter.kinds)
    if "date" in parameter.kinds and kind == "str":
        fits = fits or is_date or _is_iso(str(value))
    if parameter.kinds and not fits:
        shown = one_line(repr(value), 60)
        raise ValueError(
            f"the parameter '{parameter.name}' is {parameter.called}, not {_CALLED[kind]} ({shown}). "
            f"The notebook's default is {one_line(parameter.default, 60)}"
        )
    return value


def _plain(name: str, value: object) -> Any:
    """Give `value` in JSON's own types; Papermill writes anything else into code as it is."""
    if isinstance(value, dt.date):  # a datetime is one too
        return value.isoformat()
    if value is None or isinstance(value, bool) or type(value) is int:
        return value
    if type(value) is str:
        if not _encodes(value):
            raise ValueError(f"the parameter '{name}' holds half a character")
        return value
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"the parameter '{name}' is not a finite number")
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(name, each) for each in value]
    if isinstance(value, Mapping):
        if not all(type(key) is str for key in value):
            raise ValueError(f"the parameter '{name}' has a key that is not text")
        return {_plain(name, key): _plain(name, each) for key, each in value.items()}
    raise ValueError(f"the parameter '{name}' is of type {type(value).__name__}, which JSON does not have")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    return "none" if value is None else type(value).__name__


def _is_iso(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _annotated(node: ast.expr) -> _Kinds:
    """Give the kinds that an annotation allows; empty for one that says nothing about JSON's types."""
    if isinstance(node, ast.Constant):
        if node.value is None:
            return frozenset({"none"})
        if isinstance(node.value, str):
            try:
                return _annotated(ast.parse(node.value, mode="eval").body)
            except SyntaxError:
                return frozenset()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([node.left, node.right])
    if isinstance(node, ast.Attribute):  # dt.date, typing.Optional
        return _annotated(ast.Name(node.attr))
    if isinstance(node, ast.Subscript):
        base = node.value.attr if isinstance(node.value, ast.Attribute) else ast.unparse(node.value)
        if base == "Optional":
            return _union([node.slice, ast.Constant(None)])
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if base == "Union":
            return _union(inner)
        if base == "Literal":
            kinds = [_of_default(each) for each in inner]
            return frozenset().union(*kinds) if all(kinds) else frozenset()
        return _annotated(node.value)
    kind = _ANNOTATIONS.get(node.id) if isinstance(node, ast.Name) else None
    return frozenset({kind}) if kind else frozenset()


def _union(nodes: Iterable[ast.expr]) -> _Kinds:
    kinds = [_annotated(node) for node in nodes]
    return frozenset().union(*kinds) if all(kinds) else frozenset()


def _of_default(node: ast.expr) -> _Kinds:
    """Give the kind of a default; empty for null and for what is computed, which say nothing of a type."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return frozenset()
    kind = {tuple: "list"}.get(type(value), type(value).__name__)
    return frozenset({kind}) if kind in _CALLED else frozenset()
