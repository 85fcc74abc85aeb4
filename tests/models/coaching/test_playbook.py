"""The playbook: the company's own words where it has some, and clear lines where they cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from spm_lib.errors import SpecError, UnknownNameError
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.playbook import (
    COUNT_LIMIT,
    LENGTH_LIMIT,
    Playbook,
    find_playbook,
    load_playbook,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "params").mkdir()
    return tmp_path / "params" / "coaching_playbook.yml"


def read(file: Path, text: str) -> Playbook:
    file.write_text(text, "utf-8")
    return load_playbook(file)


def test_what_is_shipped_has_words_for_every_lever() -> None:
    shipped = find_playbook(ROOT)
    assert set(shipped.by_lever) == set(LEVERS)
    every = [action for lever in LEVERS for action in shipped.actions(lever)]
    every += [action for actions in shipped.by_stage.values() for action in actions]
    assert len(set(every)) == len(every)
    for action in every:
        assert action[0].isupper() and action[-1] not in ".!?:;", action


def test_without_a_playbook_every_lever_has_one_general_action(tmp_path: Path) -> None:
    for empty in (load_playbook(None), find_playbook(tmp_path)):
        assert empty == Playbook()
        for lever in LEVERS.values():
            (action,) = empty.actions(lever.name, "Proposal")
            assert action.endswith(lever.label)


def test_the_companys_words_come_first_and_a_lever_left_out_falls_back(file: Path) -> None:
    text = "actions:\n  win_rate: [' Ask <b>why</b> & when ', 2 + 2 = é]\n  hygiene:\n    - >\n      Note it\n      down\n"
    playbook = read(file, text)
    assert playbook.actions("win_rate") == ("Ask <b>why</b> & when", "2 + 2 = é")
    assert playbook.actions("hygiene") == ("Note it down",)
    assert playbook.actions("discount") == Playbook().actions("discount")
    assert find_playbook(file.parents[1]) == playbook


def test_stages_have_their_own_actions_for_stage_conversion_alone(file: Path) -> None:
    playbook = read(
        file, "actions: {stage_conversion: [All], win_rate: [Win]}\nby_stage: {'Proposal sent': [Sent]}\n"
    )
    assert playbook.actions("stage_conversion", "proposal SENT") == ("Sent",)
    assert playbook.actions("stage_conversion", "Discovery") == ("All",)
    assert playbook.actions("stage_conversion") == ("All",)
    assert playbook.actions("win_rate", "Proposal sent") == ("Win",)
    with pytest.raises(UnknownNameError, match="Did you mean 'win_rate'"):
        playbook.actions("winrate")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "actions:\n  discount: [a]\n  winrate: [b]\n",
            3,
            "there is no lever 'winrate'. Did you mean 'win_rate'?",
        ),
        ("by_stage: {A: [a]}\nactions:\n  by_stage: [b]\n", 3, "there is no lever 'by_stage'"),
        ("actions: {}\nby_stages: {A: [a]}\n", 2, "unknown key 'by_stages'. Did you mean 'by_stage'?"),
        ("actions:\n  win_rate:\n    - a\n    - '  '\n", 4, "the action is empty"),
        ("by_stage:\n  A: ['']\n", 2, "the action is empty"),
        ("actions:\n  win_rate: []\n", 2, f"there are 0 actions. Write one to {COUNT_LIMIT}"),
        ("actions:\n  win_rate: [a, b, c, d]\n", 2, f"there are 4 actions. Write one to {COUNT_LIMIT}"),
        (
            f"actions:\n  win_rate: [a, {'x' * (LENGTH_LIMIT + 1)}]\n",
            2,
            f"the action has {LENGTH_LIMIT + 1} characters. Keep it to {LENGTH_LIMIT}",
        ),
        ('actions:\n  win_rate: ["a\\x07b"]\n', 2, "the action holds line breaks or control characters"),
        ("actions:\n  win_rate:\n    - |\n      a\n      b\n", 3, "the action holds line breaks"),
        ("actions:\n  win_rate: Ask\n", 2, "it is 'Ask'. Write a list"),
        ("actions:\n  win_rate: [5]\n", 2, "it is '5'. Write text, in quotes"),
        ("actions:\n  win_rate: [true]\n", 2, "it is 'True'. Write text"),
        ("actions:\n  win_rate:\n    - Ask: why\n", 3, "Write text, in quotes"),
        ("actions: [win_rate]\n", 1, "Write 'key: value' lines"),
        (
            "actions:\n  win_rate: [a]\n  win_rate: [b]\n",
            3,
            "the key 'win_rate' stands twice, first on line 2",
        ),
        ("by_stage:\n  Sent: [a]\n  SENT: [b]\n", 3, "the stage 'SENT' stands twice"),
        ("", None, "the file is empty"),
    ],
)
def test_mistakes_name_file_line_and_mend(file: Path, text: str, line: int | None, words: str) -> None:
    with pytest.raises(SpecError) as error:
        read(file, text)
    assert str(error.value).startswith(f"{file}:{line}: " if line else f"{file}: ")
    assert words in str(error.value)


def test_a_stage_s_actions_go_for_it_in_every_pipeline_that_has_none_of_its_own() -> None:
    playbook = Playbook(by_stage={"proposal": ("Call",), "demo (renewal)": ("Write",), "demo": ("Show",)})
    for step, action in (("Proposal (Renewal)", "Call"), ("Demo (Renewal)", "Write"), ("Demo (New)", "Show")):
        assert playbook.actions("stage_conversion", step) == (action,)


def test_an_action_may_be_as_long_as_the_limit(file: Path) -> None:
    assert read(file, f"actions:\n  win_rate: [{'x' * LENGTH_LIMIT}]\n").actions("win_rate") == (
        "x" * LENGTH_LIMIT,
    )


def test_a_playbook_that_is_named_must_be_there(file: Path) -> None:
    with pytest.raises(SpecError, match="there is no such file"):
        load_playbook(file)
