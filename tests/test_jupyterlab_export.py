"""Both exporters as analysts meet them: in JupyterLab's export route, and in ``jupyter nbconvert``."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

import nbformat
import pytest

from .press.books import report
from .press.mail_rules import broken

pytestmark = pytest.mark.slow

START = 240


class Lab:
    """A running JupyterLab server."""

    def __init__(self, port: int, token: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.token = token

    def get(self, path: str) -> HTTPResponse:
        asked = urllib.request.Request(self.address + path, headers={"Authorization": f"token {self.token}"})
        answer: HTTPResponse = urllib.request.urlopen(asked, timeout=60)
        return answer


def environment(folder: Path) -> dict[str, str]:
    """The environment of a person who has set nothing up."""
    names = ("CONFIG", "DATA", "RUNTIME")
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in names}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    return kept | own | {"IPYTHONDIR": str(folder / "ipython"), "HOME": str(folder)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analyst")
    nbformat.write(report(), folder / "my report.ipynb")
    blind = report()
    blind.cells[3].outputs[0].data["text/html"] = '<img src="data:image/png;base64,aa==">'
    nbformat.write(blind, folder / "blind.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(home: Path) -> Iterator[Lab]:
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [
        # Of those that no system hands out by itself; where it is taken, the server looks for another one.
        "--ServerApp.port=18888",
        "--ServerApp.port_retries=200",
        f"--ServerApp.root_dir={home}",
        "--allow-root",
    ]
    told = home / "told.txt"
    with told.open("wb") as log:
        child = subprocess.Popen(
            command, cwd=home, env=environment(home) | {"JUPYTER_TOKEN": token}, stdout=log, stderr=log
        )
    try:
        begun = time.monotonic()
        while True:
            try:
                (told_port,) = (home / "runtime").glob("jpserver-*.json")
                running = Lab(json.loads(told_port.read_text("utf-8"))["port"], token)
                running.get("/api/status").close()
                break
            except (OSError, ValueError):
                gone = child.poll() is not None
                if gone or time.monotonic() > begun + START:
                    raise AssertionError(f"JupyterLab did not start: {told.read_text()[-2000:]}") from None
                time.sleep(0.2)
        yield running
    finally:
        child.terminate()
        child.wait(240)


def test_both_stand_in_the_menu(lab: Lab) -> None:
    with lab.get("/api/nbconvert") as answer:
        known = json.load(answer)
    assert known["spm_report"] == {"output_mimetype": "text/html"}
    assert known["spm_email"] == {"output_mimetype": "message/rfc822"}


def test_the_full_report_is_downloaded(lab: Lab) -> None:
    with lab.get("/nbconvert/spm_report/my%20report.ipynb?download=true") as answer:
        page = answer.read().decode()
        disposition, kind = answer.headers["Content-Disposition"], answer.headers["Content-Type"]
    assert (
        disposition.startswith("attachment")
        and "my%20report.html" in disposition
        and kind.startswith("text/html")
    )
    assert page.startswith("<!doctype html>") and "<h1>West is behind pace: 38.2% of quota.</h1>" in page
    assert "Content-Security-Policy" in page and "<script" not in page and "http:" not in page


def test_the_mail_body_is_downloaded(lab: Lab) -> None:
    with lab.get("/nbconvert/spm_email/my%20report.ipynb?download=true") as answer:
        eml = answer.read()
        disposition, kind = answer.headers["Content-Disposition"], answer.headers["Content-Type"]
    assert (
        disposition.startswith("attachment")
        and "my%20report.eml" in disposition
        and kind.startswith("message/rfc822")
    )
    assert broken(eml) == []


def test_a_picture_without_words_is_an_error_that_names_the_cell(lab: Lab) -> None:
    for exporter in ("spm_report", "spm_email"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            lab.get(f"/nbconvert/{exporter}/blind.ipynb?download=true")
        assert caught.value.code == 500
        assert "cell 3 (show()): a picture has no text" in caught.value.read().decode()


@pytest.mark.parametrize(("exporter", "ending"), [("spm_report", ".html"), ("spm_email", ".eml")])
def test_nbconvert_alone(home: Path, tmp_path: Path, exporter: str, ending: str) -> None:
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", exporter, "--output-dir", str(tmp_path)]
    subprocess.run(
        [*command, "my report.ipynb"], cwd=home, env=environment(home), check=True, capture_output=True
    )
    made = tmp_path / f"my report{ending}"
    assert (
        broken(made.read_bytes()) == []
        if ending == ".eml"
        else "<h1>West is behind" in made.read_text("utf-8")
    )
