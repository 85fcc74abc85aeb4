"""Secrets reach the kernel that needs them and are found nowhere afterwards."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from spm_lib.errors import RunError, SpecError
from spm_lib.press.make import make
from spm_lib.press.secrets import Mask, ordinary, secrets_of
from spm_lib.press.spec import load_spec

from .conftest import PUBLISH, SPEC, Project, book

MakeProject = Callable[..., Project]

CANARY = 'k4n4r"y<&>\\ü/token+1'
NAME = "CRM_TOKEN"

SHOWS = """
import base64, html, json, os, sys, urllib.parse
from IPython.display import HTML, Markdown, display
value = os.environ["CRM_TOKEN"]
print("the token", value); print(repr(value), file=sys.stderr)
print(json.dumps({"token": value}), urllib.parse.quote(value), base64.b64encode(value.encode()).decode())
display(HTML(f"<p title='{html.escape(value)}'>{html.escape(value, quote=False)}</p>"), Markdown(f"`{value}`"))
display({"application/json": {"nested": [{value: value}]}}, raw=True)
svg = f'<svg xmlns="http://www.w3.org/2000/svg"><text>{html.escape(value)}</text></svg>'
display(HTML(f'<img alt="drawn" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'))
value
"""
HEADLINE = PUBLISH.replace('f"Team {team} is on track"', "f\"The token is {os.environ['CRM_TOKEN']}\"")


def everything(folder: Path) -> str:
    """All that was written, with what pictures hold, as one text."""
    found = [path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]
    text = "\n".join(found)
    pictures = [part.split('"')[0].rstrip("\\") for part in text.split("data:image/svg+xml;base64,")[1:]]
    return text + "\n".join(base64.b64decode(p + "==").decode("utf-8", "replace") for p in pictures)


def forms(value: str) -> set[str]:
    return {
        value,
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        base64.b64encode(value.encode()).decode(),
        "k4n4r",
    }


@pytest.mark.parametrize("failing", [False, True])
def test_a_canary_is_found_nowhere(
    make_project: MakeProject,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    failing: bool,
) -> None:
    monkeypatch.setenv(NAME, CANARY)
    monkeypatch.setenv("ANOTHER_SECRET", "not named by the spec")
    project = make_project({"a": "North"})
    cells = [SHOWS, "assert 'ANOTHER_SECRET' not in os.environ", HEADLINE]
    project.notebook(book(*cells, *(["raise ValueError(value)"] if failing else [])))
    (job,) = project.plan(SPEC + f"env: [{NAME}]\n")
    made = make(job)
    assert (made.failure is not None) == failing
    if not failing:
        assert made.published is not None and made.published.headline == f"The token is [{NAME}]"
    kept = everything(project.reports) + repr(made) + "".join(capfd.readouterr()) + repr(job)
    assert f"the token [{NAME}]" in kept
    assert not [form for form in forms(CANARY) if form in kept]


def test_a_value_is_masked_before_its_text_is_cut(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk_live_51" + "x9" * 20
    monkeypatch.setenv(NAME, secret)
    project = make_project({"a": "North"})
    refused = f"""import os
raise ValueError("401 for " + "u" * 370 + " token=" + os.environ["{NAME}"])"""
    project.notebook(book(refused))
    (job,) = project.plan(SPEC + f"env: [{NAME}]\n")
    failure = make(job).failure
    assert failure is not None and failure.message.endswith(f" token=[{NAME}]")
    assert "sk_live" not in everything(project.reports) + repr(failure)


def test_forms_that_pages_and_cells_write() -> None:
    secret = "pa'ss\"w  <20>"
    shown = Markup("<td>{}</td>").format(secret) + " and " + " ".join(secret.split())
    assert Mask({NAME: secret}).text(shown) == f"<td>[{NAME}]</td> and [{NAME}]"
    masked = Mask({"PIN": "20240117"}).anything(
        {"x": 20240117, "y": 20240117.0, "z": [True, 1, 2024011, None]}
    )
    assert masked == {"x": "[PIN]", "y": "[PIN]", "z": [True, 1, 2024011, None]}


def test_a_variable_that_is_not_set_is_named_and_nothing_runs(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NAME, raising=False)
    project = make_project({"a": "North"})
    project.notebook(book("open('../ran', 'w')", PUBLISH))
    (job,) = project.plan(SPEC + f"env: [{NAME}]\n")
    assert f"the environment variable {NAME} is not set" in str(make(job).failure)
    assert not (project.root / "ran").exists()
    with pytest.raises(RunError, match="too short to be kept out"):
        secrets_of([NAME], {NAME: "abc"})


def test_a_value_in_a_spec_is_refused_and_not_repeated(make_project: MakeProject) -> None:
    project = make_project({"a": "North"})
    project.notebook(book(PUBLISH))
    with pytest.raises(SpecError, match="no name of an environment variable") as found:
        load_spec(project.spec(SPEC + 'env: ["s3cr3t-value"]\n'))
    assert "s3cr3t" not in str(found.value)


def test_kernels_are_given_what_programs_need_and_no_more() -> None:
    needed = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": "x",
        "LD_LIBRARY_PATH": "x",
    }
    secret = ("SPM_SMTP_URL", "AWS_SECRET", "LD_SDK_KEY", "CONDA_TOKEN", "PYTHON_API_PASSWORD", "XDG_TOKEN")
    assert ordinary(needed | dict.fromkeys(secret, "x")) == needed


@given(st.text(min_size=4, max_size=30), st.text(max_size=40), st.text(max_size=40))
def test_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    mask = Mask({"NAME": secret})
    plain = {"key " + secret: [before + secret + after, 3, None]}
    masked = json.dumps(mask.anything(plain), ensure_ascii=False)
    shown = json.loads(masked)
    (key, ((text, *rest),)) = next(iter(shown)), tuple(shown.values())
    assert rest == [3, None]
    assert secret in "[NAME]" or (
        secret not in key.replace("[NAME]", "\0") and secret not in text.replace("[NAME]", "\0")
    )
