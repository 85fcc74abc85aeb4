"""What others than the manager read of people: in the order of their names, and of nobody that he or she is behind."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_lib import findings
from spm_lib.present import Chart, attainment_chart, mix_charts
from spm_lib.present.attainment import by_name
from spm_lib.present.display import clean
from spm_lib.theme import Look

LOOK = Look()
RUNNING = SimpleNamespace(share=0.4, method="earlier periods", n=8)
OVER = SimpleNamespace(share=1.0, method="complete", n=0)
NAMES = ["zoe", "Bob", "Ann", "Cy"]


def people(samples: SimpleNamespace, values: list[float | None]) -> pd.DataFrame:
    """Make people all of whom are clearly off the pace, and who have won nothing where they reach nothing."""
    frame = samples.attainment(NAMES[: len(values)], values)
    return frame.assign(significant=True, n=[7 if value else 0 for value in values])


def drawn(samples: SimpleNamespace, chart: Chart, names: list[str]) -> list[str]:
    """Give the names in the order in which they stand in the picture."""
    return [text for text in samples.texts(samples.pictures(chart.html)[0]) if text in names]


def rows(text: str, names: list[str]) -> list[str]:
    """Give the names in the order in which they stand in the table."""
    return [line.split("  ")[0] for line in text.splitlines() if line.split("  ")[0] in names]


def test_attainment_stands_by_name_and_marks_nobody(samples: SimpleNamespace) -> None:
    frame = people(samples, [0.9, 0.1, 0.8, None])
    team = attainment_chart(frame, expected=0.4, audience="team")
    assert isinstance(team, Chart)
    assert drawn(samples, team, NAMES) == ["Ann", "Bob", "zoe"]
    assert rows(team.text, NAMES) == ["Ann", "Bob", "Cy", "zoe"]
    assert team.alt == (
        "Quota attainment of 3 reps, in order of their names, from 10.0% to 90.0%. 2 are at or above the 40.0% that is "
        "usual by now."
    )
    manager = attainment_chart(frame, expected=0.4)
    assert isinstance(manager, Chart)
    assert drawn(samples, manager, NAMES) == ["zoe", "Ann", "Bob"] and "to Bob with 10.0%" in manager.alt
    marks = {who: set(samples.texts(samples.pictures(each.html)[0])) & {"▲", "▼"} for who, each in
             (("manager", manager), ("team", team))}  # fmt: skip
    assert marks == {"manager": {"▲", "▼"}, "team": set()}
    assert "clearly below" in manager.text and "clearly below" not in team.text


def test_of_a_hundred_people_the_first_by_name_are_drawn(samples: SimpleNamespace) -> None:
    names = [f"{at:03} Rep" for at in range(100)]
    frame = samples.attainment(names, [(at * 37 % 100) / 100 for at in range(100)])
    chart = attainment_chart(frame, expected=0.5, audience="team")
    assert isinstance(chart, Chart)
    # By what they begin with: labels may be cut.
    starts = [text[:3] for text in samples.texts(samples.pictures(chart.html)[0]) if text[3:4] == " "]
    assert starts == [name[:3] for name in names[:40]] and rows(chart.text, names) == names
    assert "The first 40 by name are drawn; the table holds 60 reps more." in chart.text


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        ([0.9, 0.1], RUNNING, "Zoe is clearly ahead of the usual pace."),
        ([0.1, 0.2, 0.3], RUNNING, ""),
        ([0.9, 0.8, 0.7, 0.1], RUNNING, "3 of 4 people are clearly ahead of the usual pace."),
        ([1.2, 0.1], OVER, "1 of 2 people made their quota."),
        ([1.2], OVER, "zoe made the quota."),
        ([0.2], OVER, ""),
        ([None], RUNNING, ""),
    ],
)
def test_sentences_name_nobody_who_is_behind(
    values: list[float | None], expected: SimpleNamespace, said: str, samples: SimpleNamespace
) -> None:
    frame = people(samples, values)
    assert findings.attainment_finding(frame, expected, audience="team") == said


@pytest.mark.parametrize("expected", [RUNNING, OVER])
def test_who_has_won_nothing_is_for_the_manager(expected: SimpleNamespace, samples: SimpleNamespace) -> None:
    frame = people(samples, [0.0, 0.5])
    manager, team = (
        findings.attainment_reading(frame, expected, LOOK, audience=who) for who in ("manager", "team")
    )
    assert "won nothing" in manager and manager.startswith(team.removesuffix("."))
    assert "Zoe" in manager and "Zoe" not in team


def test_revenue_by_person_stands_by_name_and_by_product_by_size(samples: SimpleNamespace) -> None:
    by_person = samples.compared(NAMES, [50.0, 900.0, 700.0, 10.0], [800.0, 100.0, 700.0, 900.0])
    by_person = by_person.rename(columns={"product": "rep", "product_name": "rep_name"})
    frames = {
        "Revenue by person": by_person,
        "Revenue by product": samples.compared(["a", "b"], [1.0, 9.0], [2.0, 3.0]),
    }
    messages = dict.fromkeys(frames, "zoe is down.")
    for who, order in (("team", ["Ann", "Bob", "Cy", "zoe"]), ("manager", ["Bob", "Ann", "zoe", "Cy"])):
        person, product = mix_charts(frames, previous="Q3 2017", messages=messages, audience=who)
        assert isinstance(person, Chart) and isinstance(product, Chart)
        assert drawn(samples, person, NAMES) == order == rows(person.text, NAMES)
        assert drawn(samples, product, ["a", "b"]) == ["b", "a"] and "zoe is down." in product.text
        assert ("zoe is down." in person.text) is (who == "manager")
        colours = " ".join(each.get("style", "") for each in samples.pictures(person.html)[0].iter())
        assert ("#b34700" in colours) is (who == "manager")
        if who == "team":
            assert person.alt == "Revenue by person: 4 people in order of their names, from $10 to $900."


@settings(max_examples=50)
@given(st.lists(st.one_of(st.none(), st.text()), min_size=1))
def test_any_names_stand_by_alphabet_whatever_stood_beside_them(names: list[str | None]) -> None:
    frame = pd.DataFrame({"rep_name": pd.Series(names, dtype=object), "value": range(len(names))})
    found = by_name(frame, "rep_name")
    assert sorted(found["value"]) == list(range(len(names)))
    known = [clean(name).casefold() for name in found["rep_name"] if name is not None]
    assert known == sorted(known)
    missing = found["rep_name"].isna().to_list()
    assert missing == sorted(missing)
