"""The largest deals."""

from __future__ import annotations

from types import SimpleNamespace

from spm_lib.present import deals_tables


def test_won_and_open_each_with_the_sum_of_what_is_shown(samples: SimpleNamespace) -> None:
    block = deals_tables(samples.deals(["a", "b", "c"]), samples.deals(["d"]), period="Q4 2017", limit=2)
    lines = block.text.splitlines()
    assert lines[0] == "Largest deals won, USD, Q4 2017"
    assert [line.split()[0] for line in lines[2:5]] == ["c", "b", "These"]
    assert lines[4].endswith("$500")
    found = samples.taken_apart(block.html)
    assert len(found.named("table")) == 2
    assert len(found.named("tfoot")) == 1, "one deal is its own sum"


def test_no_deals_is_said_once_each(samples: SimpleNamespace) -> None:
    none = samples.deals([])
    text = deals_tables(none, none, period="Q4 2017").text
    assert text == "No deal was won in Q4 2017.\n\nNo open deal is expected to close in Q4 2017."


def test_amounts_that_are_unknown_stand_last(samples: SimpleNamespace) -> None:
    won = samples.deals(["a", "b"]).assign(amount=[None, 5.0])
    lines = deals_tables(won, won.head(0), period="Q4").text.splitlines()
    assert lines[2].startswith("b")
    assert lines[3].endswith("–")
