"""Attachments: what they are is read off them, and one that no mail can carry is said in words."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spm_lib.errors import RunError
from spm_lib.press.deliver.attachments import Attachment, TooLarge, attachment_of

XLSX = b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml"
TYPES = [
    (b"<!DOCTYPE html>\n<html>", "text/html", "html"),
    (b"\xef\xbb\xbf\n <!doctype html>", "text/html", "html"),
    (b"<html lang='en'>", "text/html", "html"),
    (b"%PDF-1.7\n", "application/pdf", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (XLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    (b"PK\x03\x04 something else", "application/zip", "zip"),
    ("Menge;Größe\n1;2\n".encode(), "text/plain", "txt"),
    (b"", "text/plain", "txt"),
    (b"MZ\x90\x00\xff", "application/octet-stream", "bin"),
]


@pytest.mark.parametrize(("content", "content_type", "ending"), TYPES)
@pytest.mark.parametrize("written", ["report.html", "report.exe", "report"])
def test_what_a_file_is_is_read_off_it_not_off_its_name(
    tmp_path: Path, written: str, content: bytes, content_type: str, ending: str
) -> None:
    path = tmp_path / written
    path.write_bytes(content)
    found = attachment_of(path, name="West", limit_mb=1)
    assert found == Attachment(f"west.{ending}", content, content_type)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("West & Süd, 2017-Q4", "west-sud-2017-q4.html"),
        ("../../etc/passwd", "etc-passwd.html"),
        ('a"\r\nBcc: all@example.com', "a-bcc-all-example-com.html"),
        ("株式会社", "report.html"),
        ("", "report.html"),
        ("x" * 500, "x" * 60 + ".html"),
    ],
)
def test_a_name_is_safe_in_every_header_and_folder(tmp_path: Path, name: str, called: str) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"<html>")
    found = attachment_of(path, name=name, limit_mb=1)
    assert found.name == called


def test_a_report_of_40_mb_is_not_read_and_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.html"
    with path.open("wb") as file:
        # Cut in the midst of a letter: that is no reason to take it for something else.
        file.write(b"<html>" + "ü".encode() * 2045 + b"x")
        file.truncate(40_000_000)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it is read"))
    found = attachment_of(path, name="West", limit_mb=10)
    assert isinstance(found, TooLarge)
    assert found.name == "west.html"
    assert found.sentence == (
        "The report west.html is not attached: it would take 54.8 MB, and mails carry up to 10 MB."
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(size=st.integers(0, 60_000), limit=st.integers(1_000, 60_000))
def test_what_is_within_the_limit_is_so_as_it_travels(tmp_path: Path, size: int, limit: int) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"x" * size)
    found = attachment_of(path, name="West", limit_mb=limit / 1e6)
    part = EmailMessage()
    part.set_content(b"x" * size, "text", "html")
    travels = len(part.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[2])
    if isinstance(found, Attachment):
        assert travels <= limit + 2
    else:
        # Nothing is turned away that has room: what is taken for its growth is true to a hundredth.
        assert travels >= limit * 0.99 - 80


def test_a_file_that_is_gone_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    for path in (tmp_path / "none.html", tmp_path):
        with pytest.raises(RunError) as caught:
            attachment_of(path, name="West", limit_mb=1)
        assert str(path) in str(caught.value) and "spm run" in caught.value.mend
