"""Spec files: what is read, and how mistakes are told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from spm_lib.errors import PeriodError, SpecError
from spm_lib.spec_file import Text, mistake, read_document, read_spec


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Table(Strict):
    from_: str | None = Field(default=None, alias="from")
    columns: dict[str, str] = {}
    fixed: list[str] = []


class Files(Strict):
    kind: Literal["files"]
    path: str


class Demo(Strict):
    kind: Literal["demo"]
    seed: int = 1


class Spec(Strict):
    notebook: str = "team"
    period: Text = "this-quarter"
    as_of: Text | None = None
    day: dt.date | None = None
    email: bool = False
    rate: float = 1.0
    top: int = 15
    tables: dict[str, Table] = {}
    source: Annotated[Files | Demo, Field(discriminator="kind")] | None = None
    sources: list[Files | Demo] = []

    @field_validator("notebook")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name == "old":
            raise mistake("there is no notebook 'old' {x}", "Did you mean 'team'?")
        if name == "value":
            raise ValueError("no such value")
        if name == "calendar":
            raise PeriodError("the calendar is odd", mend="Mend it")
        return name


class Needy(Strict):
    notebook: str


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "spec.yml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def mistake_in(folder: Path, content: str | bytes, model: type[BaseModel] = Spec) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read_spec(write(folder, content), model)
    error = caught.value
    assert str(error).startswith(str(folder / "spec.yml")), error
    assert error.mend, error
    assert "\n" not in str(error)
    assert "pydantic" not in str(error).lower()
    return error


def test_a_spec_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
# a comment
period: 2017
as_of: 2017-12-31
day: 2017-12-31
email: true
rate: 0.5
tables:
  deals:
    from: "deals.csv"
    columns: {on: yes, amount: "replace(a, ',', '')"}
    fixed: [007, x]
""",
    )
    spec = read_spec(path, Spec)
    assert (spec.period, spec.as_of, spec.day) == ("2017", "2017-12-31", dt.date(2017, 12, 31))
    assert (spec.email, spec.rate) == (True, 0.5)
    assert spec.tables["deals"].from_ == "deals.csv"
    assert spec.tables["deals"].fixed == ["007", "x"]


def test_commas_in_braces_split_and_are_told(tmp_path: Path) -> None:
    error = mistake_in(tmp_path, "tables:\n  deals:\n    columns: {amount: replace(a, ',', '')}\n")
    assert error.where.endswith(":3")


def test_lines_are_kept_for_later_errors(tmp_path: Path) -> None:
    path = write(tmp_path, "\nperiod: 2017-Q4\ntables:\n  deals:\n    fixed:\n    - a\n    - b\n")
    document = read_document(path, Spec)
    assert document.line_of() == 1
    assert document.line_of("tables", "deals") == 4
    assert document.line_of("tables", "deals", "fixed", 1) == 7
    assert document.line_of("tables", "deals", "columns", "gone") == 4
    error = document.error("no column 'b'", "tables", "deals", "fixed", 1, mend="Did you mean 'a'?")
    assert str(error) == f"{path}:7: no column 'b'. Did you mean 'a'?"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("", None, "the file is empty"),
        ("# only a comment\n", None, "the file is empty"),
        ("- a\n- b\n", 1, "holds no keys"),
        ("just text", 1, "holds no keys"),
        ("a: 1\n\tb: 2\n", 2, "a tab"),
        ("top: 1\nperiod: x\ntop: 2\n", 3, "'top' stands twice, first on line 1"),
        ("tables:\n  deals: {fixed: [a], fixed: [b]}\n", 2, "stands twice"),
        ("top: [1,\n", 2, "the YAML is broken"),
        ("top: 'x\n", 2, "the YAML is broken"),
        ("period: a: b\n", 1, "a second ':'"),
        ("period: @x\n", 1, "double quotes"),
        ("top: 1\n---\ntop: 2\n", 2, "a second document"),
        ("top: &x 1\nrate: *x\n", 1, "an alias"),
        ("<<: {top: 1}\n", 1, "a merge key"),
        ("top: !!python/object:os.system x\n", 1, "the tag"),
        ("top: !go {a: 1}\n", 1, "the tag"),
        ("? [a]\n: 1\n", 1, "a list or mapping"),
        ("top: 1\nperiod: \x00\n", None, "characters that no text has"),
        (b"top: 1\nperiod: caf\xe9\n", 2, "not in UTF-8"),
        ("top: 1\n".encode("utf-16"), 1, "not in UTF-8"),
        ("[" * 5000, None, "nested too deeply"),
    ],
)
def test_what_is_not_yaml(tmp_path: Path, content: str | bytes, line: int | None, said: str) -> None:
    error = mistake_in(tmp_path, content)
    assert said in str(error)
    if line:
        assert error.where.endswith(f":{line}"), error


@pytest.mark.parametrize(
    ("content", "line", "said", "mend"),
    [
        ("top: 1\nperoid: 2017\n", 2, "unknown key 'peroid'", "Did you mean 'period'?"),
        (
            "tables:\n  deals:\n    form: x\n",
            3,
            "unknown key 'form' in 'tables.deals'",
            "Did you mean 'from'?",
        ),
        ("source: {kind: demo, sed: 2}\n", 1, "unknown key 'sed' in 'source'", "Did you mean 'seed'?"),
        ("source:\n  kind: flies\n", 1, "'kind' in 'source' is 'flies'", "Did you mean 'files'?"),
        ("top: 1\nsource:\n  kind: files\n", 2, "the key 'path' is missing in 'source'", "Add path:"),
        (
            "sources:\n- kind: demo\n- kind: demo\n  sede: 3\n",
            4,
            "unknown key 'sede'",
            "Did you mean 'seed'?",
        ),
        ("top: many\n", 1, "'top' should be a valid integer", "Write a whole number"),
        ("top: 1.5\n", 1, "'top'", "Write a whole number"),
        ("period: 2017.10\n", 1, "'period' should be a valid string", "in quotes"),
        ("period: true\n", 1, "'period' should be a valid string", "in quotes"),
        ("period:\n", 1, "'period' should be a valid string", "in quotes"),
        ("notebook: 2017\n", 1, "'notebook' should be a valid string", "in quotes"),
        ("day: 31.12.2017\n", 1, "'day'", "2017-12-31"),
        ("email: perhaps\n", 1, "'email'", "Write true or false"),
        ("tables: [deals]\n", 1, "'tables'", "key: value"),
        ("tables:\n  deals: x\n", 2, "'tables.deals' should hold keys; it is 'x'", "key: value"),
        ("tables:\n  deals:\n    fixed: x\n", 3, "'tables.deals.fixed'", "Write a list"),
        ("top: 1\nnotebook: old\n", 2, "notebook: there is no notebook 'old' {x}", "Did you mean 'team'?"),
        ("notebook: value\n", 1, "notebook: no such value", "Mend"),
        ("notebook: calendar\n", None, "the calendar is odd", "Mend it"),
        ("2017: x\n", 1, "unknown key '2017'", "Known:"),
        ("? '" + "x" * 100_000 + "'\n: 1\n", 1, "unknown key 'xxx", "Known:"),
        ('"a\\n\\u202e<b>": 1\n', 1, "unknown key 'a <b>'", "Known:"),
    ],
)
def test_what_the_model_refuses(tmp_path: Path, content: str, line: int | None, said: str, mend: str) -> None:
    error = mistake_in(tmp_path, content)
    assert said in str(error)
    assert mend in error.mend
    if line:
        assert error.where.endswith(f":{line}"), error


def test_an_unknown_key_is_told_before_what_it_makes_missing(tmp_path: Path) -> None:
    error = mistake_in(tmp_path, "notbook: x\n", Needy)
    assert "Did you mean 'notebook'?" in str(error)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "top: 1\n")
    with pytest.raises(SpecError, match=r"there is no such file. Did you mean 'spec.yml'\?"):
        read_spec(tmp_path / "spek.yml", Spec)
    with pytest.raises(SpecError, match="there is no such file"):
        read_spec(tmp_path / "gone" / "spec.yml", Spec)
    with pytest.raises(SpecError, match="cannot be read"):
        read_spec(tmp_path, Spec)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    assert "too large" in str(mistake_in(tmp_path, b"# " + b"x" * 5_000_001))


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert read_spec(write(tmp_path, b"\xef\xbb\xbftop: 3\r\n"), Spec).top == 3


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60)))
def test_any_file_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(raw)
    try:
        read_spec(path, Spec)
    except SpecError as error:
        assert "\n" not in str(error)
        assert error.mend
