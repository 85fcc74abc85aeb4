"""The directory of recipients: domains, roles, people who left; and what is said of one that is wrong."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.errors import SpecError
from spm_lib.press.deliver.directory import DIRECTORY_FILE, Directory, load_directory
from spm_lib.press.recipients import address_key, is_address, plain_domain

ROOT = Path(__file__).parents[3]


def read(folder: Path, text: str) -> Directory:
    (folder / DIRECTORY_FILE).write_text(text, "utf-8")
    return load_directory(folder)


def test_every_key_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "domains: [Example.COM, '*.example.org', .köln.example]\n"
        "roles: {sales_leaders: [vp@example.com, ' ceo@example.com ']}\nleft: [jo@example.com]\n",
    )
    assert found.domains == ["example.com", ".example.org", ".xn--kln-sna.example"]
    assert found.roles == {"sales_leaders": ["vp@example.com", "ceo@example.com"]}
    assert found.left == ["jo@example.com"]


def test_without_a_file_nothing_is_known_and_every_domain_allowed(tmp_path: Path) -> None:
    found = load_directory(tmp_path)
    assert (found.domains, found.roles, found.left) == (None, {}, [])
    assert found.allows("jo@anywhere.example") and not found.has_left("jo@anywhere.example")


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    # An allow-list that is lost by accident would let mail out.
    (tmp_path / DIRECTORY_FILE).symlink_to(tmp_path / "moved.yml")
    with pytest.raises(SpecError, match="there is no such file"):
        load_directory(tmp_path)
    (tmp_path / DIRECTORY_FILE).unlink()
    (tmp_path / DIRECTORY_FILE).mkdir()
    with pytest.raises(SpecError, match="cannot be read"):
        load_directory(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("role: {a: [x@y.z]}\n", 1, "unknown key 'role'. Did you mean 'roles'?"),
        ("left: []\ndomains: []\n", 2, "no domain is named. Write at least one, or leave domains out"),
        ("domains: example.com\n", 1, "list"),
        ("domains:\n  - example.com\n  - jo@example.com\n", 3, "'jo@example.com' is no domain. Write it like example.com"),
        ("domains: ['*']\n", 1, "'*' is no domain"),
        ("domains: ['a.*.com']\n", 1, "is no domain"),
        ("domains: ['*.*.com']\n", 1, "is no domain"),
        ("domains: ['..com']\n", 1, "is no domain"),
        ("domains: ['']\n", 1, "is no domain"),
        ("domains: ['a b']\n", 1, "is no domain"),
        ("roles: {sales: []}\n", 1, "nobody holds the role 'sales'"),
        ("roles:\n  sales: [jo]\n", 2, "'jo' is no address"),
        ("roles:\n  sales:\n    - jo@example.com\n    - \"al@example.com\\nBcc: x@y.z\"\n", 4, "is no address"),
        ("roles: {sales: ['{rep.email}']}\n", 1, "'{rep.email}' is no address"),
        ("roles: {Sales: [jo@example.com]}\n", 1, "'Sales' is no name of a role. Write it like sales_leaders"),
        ("roles: {'a.b': [jo@example.com]}\n", 1, "is no name of a role"),
        ("left: [jo@example..com]\n", 1, "is no address"),
        ("left: [jo@example.com]\nleft: []\n", 2, "stands twice"),
        ("", 1, "empty"),
    ],
)  # fmt: skip
def test_mistakes_name_line_and_mend(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert DIRECTORY_FILE in str(caught.value)
    if text:
        assert f"{DIRECTORY_FILE}:{line}: " in str(caught.value)


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        ("example.com", ["example.com", "EXAMPLE.Com"],
         ["mail.example.com", "example.com.evil.example", "notexample.com", "com"]),
        ("*.example.com", ["example.com", "mail.example.com", "a.b.example.com"],
         ["notexample.com", "example.com.evil.example", "com"]),
        (".example.com", ["example.com", "mail.Example.COM"], ["evilexample.com"]),
        ("köln.example", ["KÖLN.example", "xn--kln-sna.example", "ko\u0308ln.example"], ["koln.example", "koeln.example"]),
        ("strasse.example", ["strasse.example"], ["straße.example"]),
        ("localhost", ["localhost"], ["localhost.example"]),
    ],
)  # fmt: skip
def test_mail_goes_to_the_domains_allowed_and_to_no_other(
    domain: str, inside: list[str], outside: list[str]
) -> None:
    directory = Directory(domains=[domain])
    assert all(directory.allows(f"jo@{each}") for each in inside)
    assert not any(directory.allows(f"jo@{each}") for each in outside)


LABELS = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=4)


@given(LABELS, LABELS, st.booleans())
def test_a_domain_is_covered_by_whole_labels_only(allowed: list[str], asked: list[str], wide: bool) -> None:
    directory = Directory(domains=["*." * wide + ".".join(allowed)])
    expected = asked == allowed or (wide and asked[-len(allowed) :] == allowed)
    assert directory.allows("jo@" + ".".join(asked)) is expected


def test_who_left_is_known_however_the_address_is_written() -> None:
    directory = Directory(left=["Jo.Fox@Example.com", "ann@köln.example"])
    for address in ("jo.fox@example.com", "JO.FOX@EXAMPLE.COM", "Ann@xn--kln-sna.example"):
        assert directory.has_left(address)
    assert not directory.has_left("jo.fox@example.org") and not directory.has_left("jofox@example.com")


@given(st.text(string.printable + "äß@..\u202e\u2028\u0000", max_size=30))
def test_an_address_cannot_begin_a_header_or_another_address(text: str) -> None:
    if is_address(text):
        assert text.count("@") == 1 and not set(text) & set(' \t\r\n,;:<>"()[]\\\u202e\u2028\u0000')
        assert all(text.rpartition("@")[2].split("."))
        assert address_key(address_key(text)) == address_key(text)


@given(st.text("aäÉ.", min_size=1, max_size=12))
def test_a_domain_is_written_in_ascii_once(domain: str) -> None:
    found = plain_domain(domain)
    assert found.isascii() and plain_domain(found) == found == plain_domain(domain.swapcase())


def test_what_is_shipped_is_read_and_holds_who_is_shipped() -> None:
    found = load_directory(ROOT / "params")
    assert found.allows("revops@example.com") and found.allows("sales-leaders@example.com")
    assert not found.allows("jo@elsewhere.example")
