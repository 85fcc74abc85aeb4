"""File names made of names from a CRM."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.errors import RunError
from spm_lib.press.slugs import inside, label_slug, slug, slugs

HOSTILE = [
    "../../etc/passwd", "..", ".", "", "   ", "/", "\\", "CON", "con", "nul", "LPT1", "com0", "company",
    "index", "<script>alert(1)</script>", "a\0b", "a\nb", "…", "\u202eevil", "株式会社", "Zürich",
    "x" * 100_000,
    "🎉" * 50, "-rf", "~root", "%2e%2e%2f", "a:b", "a|b?*", "west.html", "West", "west", "WEST ", "{team}",
    "$HOME",
]  # fmt: skip


def test_hostile_names_are_safe_and_apart() -> None:
    found = slugs({f"id-{i}": name for i, name in enumerate(HOSTILE)})
    assert len(set(found.values())) == len(HOSTILE)
    for text in found.values():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text), text
        assert len(text) <= 80
        assert text not in {"con", "nul", "lpt1", "com0", "company", "index"}


def test_a_plain_name_stays_readable() -> None:
    found = slugs({"t-1": "Dustin Brinkmann", "t-2": "Zürich", "t-3": "株式会社"})
    assert found == {"t-1": "dustin-brinkmann", "t-2": "zurich", "t-3": "t-3"}


def test_teams_of_one_name_carry_their_ids_hash_whatever_their_order() -> None:
    found = slugs({"1": "West", "2": "west"})
    assert found == dict(reversed(slugs({"2": "west", "1": "West"}).items()))
    assert found["1"] != found["2"]
    assert all(text.startswith("west-") for text in found.values())


def test_no_name_can_take_the_place_of_another_teams_hash() -> None:
    taken = slugs({"1": "West", "2": "West"})
    found = slugs({"1": "West", "2": "West", "3": taken["1"]})
    assert len(set(found.values())) == 3


@given(
    st.dictionaries(st.text(min_size=1, max_size=8), st.text(alphabet="aA -./é中", max_size=6), max_size=12)
)
def test_every_team_has_a_file_of_its_own(names: dict[str, str]) -> None:
    found = slugs(names)
    assert len({text.lower() for text in found.values()}) == len(names)
    assert all(set(text) <= set(string.ascii_lowercase + string.digits + "-") for text in found.values())


def test_a_slug_may_say_nothing() -> None:
    assert slug("株式会社") == slug("../..") == ""


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("2017-Q4", "2017-Q4"),
        ("FY2018-M03", "FY2018-M03"),
        ("2017-10-01..2017-11-15", "2017-10-01_to_2017-11-15"),
        ("team_performance", "team_performance"),
    ],
)
def test_periods_and_specs_keep_their_labels(label: str, folder: str) -> None:
    assert label_slug(label) == folder


@pytest.mark.parametrize("label", ["..", "../x", "a/b", "", "CON", ".hidden", "x" * 500, "a b"])
def test_other_labels_are_made_safe(label: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,100}", label_slug(label))
    assert label_slug(label).lower() != "con"


def test_no_path_leads_out_of_the_reports(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "link").symlink_to(tmp_path / "out")
    assert inside(tmp_path / "reports", "a", "b.html") == tmp_path / "reports" / "a" / "b.html"
    for parts in (("..", "x"), ("a", "..", "..", "x"), ("/etc", "x"), ("link", "x")):
        with pytest.raises(RunError, match="outside"):
            inside(tmp_path / "reports", *parts)
