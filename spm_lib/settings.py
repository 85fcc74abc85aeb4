"""Settings: what the environment says, once, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from babel import Locale, UnknownLocaleError

from spm_lib.errors import ParameterError

STORE_VARIABLE = "SPM_STORE"
REPORTS_VARIABLE = "SPM_REPORTS"
LOCALE_VARIABLE = "SPM_LOCALE"

#: A folder in which kernels of one run keep the SQL of what they ask; see `spm_lib.data.compiled`.
COMPILED_VARIABLE = "SPM_COMPILED_SQL"

DEFAULT_LOCALE = "en_US"


@dataclass(frozen=True)
class Settings:
    """Where things are, and how numbers are written.

    Parameters
    ----------
    root
        The nearest folder, upwards, that holds ``params/``; the current folder where none does.
    store
        The store's file: ``SPM_STORE``, else ``data/store.duckdb`` under `root`.
    reports
        The folder of reports: ``SPM_REPORTS``, else ``reports`` under `root`.
    locale
        How numbers and dates are written: ``SPM_LOCALE``, else ``en_US``.
    """

    root: Path
    store: Path
    reports: Path
    locale: str = DEFAULT_LOCALE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], cwd: Path) -> Settings:
        """Read the settings from `environ` as seen from the folder `cwd`.

        Raises
        ------
        ParameterError
            Where ``SPM_LOCALE`` is not a locale.
        """
        root = find_root(cwd)
        return cls(
            root=root,
            store=_path(environ, STORE_VARIABLE, cwd) or root / "data" / "store.duckdb",
            reports=_path(environ, REPORTS_VARIABLE, cwd) or root / "reports",
            locale=parse_locale(environ.get(LOCALE_VARIABLE) or DEFAULT_LOCALE),
        )


def find_root(cwd: Path) -> Path:
    """Give the nearest folder, from `cwd` upwards, that holds ``params/``; `cwd` where none does."""
    cwd = cwd.absolute()
    return next((folder for folder in (cwd, *cwd.parents) if (folder / "params").is_dir()), cwd)


def parse_locale(text: str) -> str:
    """Give the locale as Babel writes it: ``de-DE`` and ``de_DE.UTF-8`` are ``de_DE``.

    Raises
    ------
    ParameterError
        Where there is no such locale.
    """
    name = text.strip().partition(".")[0].replace("-", "_")
    try:
        return str(Locale.parse(name))
    except (ValueError, UnknownLocaleError, TypeError):
        mend = "Write a locale like en_US or de_DE"
        raise ParameterError(f"there is no locale '{text}'", where=LOCALE_VARIABLE, mend=mend) from None


def _path(environ: Mapping[str, str], name: str, cwd: Path) -> Path | None:
    text = environ.get(name, "").strip()
    return cwd.absolute() / Path(text).expanduser() if text else None
