"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from spm_lib.errors import ParameterError
from spm_lib.settings import Settings, parse_locale


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / "params").mkdir(parents=True)
    (tmp_path / "project" / "notebooks" / "deep").mkdir(parents=True)
    return tmp_path / "project"


def test_defaults_stand_under_the_nearest_folder_with_params(project: Path) -> None:
    settings = Settings.from_environment({}, project / "notebooks" / "deep")
    assert settings == Settings(project, project / "data" / "store.duckdb", project / "reports", "en_US")


def test_without_params_anywhere_the_current_folder_is_the_root(tmp_path: Path) -> None:
    assert Settings.from_environment({}, tmp_path).store == tmp_path / "data" / "store.duckdb"


def test_the_environment_wins_and_is_relative_to_the_current_folder(project: Path) -> None:
    environ = {"SPM_STORE": "other.duckdb", "SPM_REPORTS": "/far/away", "SPM_LOCALE": "de-DE"}
    settings = Settings.from_environment(environ, project / "notebooks")
    assert settings.store == project / "notebooks" / "other.duckdb"
    assert settings.reports == Path("/far/away")
    assert settings.locale == "de_DE"


def test_an_empty_variable_is_none(project: Path) -> None:
    environ = {"SPM_STORE": "", "SPM_REPORTS": " ", "SPM_LOCALE": ""}
    assert Settings.from_environment(environ, project) == Settings.from_environment({}, project)


def test_the_home_folder_is_known(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert Settings.from_environment({"SPM_STORE": "~/s.duckdb"}, project).store == Path(
        "/home/someone/s.duckdb"
    )


@pytest.mark.parametrize(("text", "locale"), [("de_DE.UTF-8", "de_DE"), ("en-gb", "en_GB"), ("fr", "fr")])
def test_locales_as_systems_write_them(text: str, locale: str) -> None:
    assert parse_locale(text) == locale


@pytest.mark.parametrize("text", ["klingon", "xx_YY", "../etc", "C"])
def test_a_locale_that_is_none(text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Settings.from_environment({"SPM_LOCALE": text}, Path("/"))
    assert str(caught.value).startswith("SPM_LOCALE: ")
    assert "en_US" in caught.value.mend
