"""Secrets: which of the environment a kernel is given, and how what it shows of it is masked."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import escape

from spm_lib.errors import RunError
from spm_lib.press.kernels.environment import (
    MEMORY_VARIABLE,
    SERVER_VARIABLE,
    START_VARIABLES,
    WARM_VARIABLE,
)
from spm_lib.press.render.svg import DRAWN

#: What programs need to run at all. Everything else of the environment a spec has to name.
_ORDINARY = START_VARIABLES | {
    *("PATH", "USER", "LOGNAME", "SHELL", "TZ", "TMPDIR", "TEMP", "TMP", "TERM", "VIRTUAL_ENV", "HOSTNAME"),
    *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "USERPROFILE"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "COVERAGE_PROCESS_START", "MPLBACKEND", "IPYTHONDIR"),
    *("DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_EXE", "CONDA_PYTHON_EXE", "CONDA_SHLVL"),
    *("XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"),
    *("JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH", "JUPYTER_DATA_DIR", "JUPYTER_PATH"),
    *("JUPYTER_PLATFORM_DIRS", "JUPYTER_RUNTIME_DIR"),
    *(MEMORY_VARIABLE, SERVER_VARIABLE, WARM_VARIABLE),
}
#: Names of these are the libraries' own. Other families, such as ``CONDA_`` and ``PYTHON``, have names of secrets in them.
_ORDINARY_PREFIXES = ("LC_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "VECLIB_")

#: A shorter value stands in many texts by chance: masking it would garble the report and hide nothing.
LEAST = 4


def ordinary(environ: Mapping[str, str]) -> dict[str, str]:
    """Give what of the environment every kernel is given."""
    return {
        name: value
        for name, value in environ.items()
        if name.upper() in _ORDINARY or name.upper().startswith(_ORDINARY_PREFIXES)
    }


def secrets_of(names: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Give the values of the variables that a spec names.

    Raises
    ------
    RunError
        Where one is not set, or too short to be masked.
    """
    found = {}
    for name in names:
        value = environ.get(name, "")
        if not value:
            mend = f"Set {name} where the reports are made, or take it out of the spec's env"
            raise RunError(f"the environment variable {name} is not set", mend=mend)
        if len(value) < LEAST:
            mend = f"Use a value of at least {LEAST} characters"
            raise RunError(
                f"the environment variable {name} is too short to be kept out of a report", mend=mend
            )
        found[name] = value
    return found


_DIGITS = re.compile(r"-?[0-9]{1,300}")


class Mask:
    """Replaces the values of secrets wherever they stand, in the forms in which a notebook may show them.

    Parameters
    ----------
    secrets
        Values by name.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        forms = {form: f"[{name}]" for name, value in secrets.items() for form in _forms(value)}
        # The longest first: a value may be part of another.
        self._forms = sorted(forms.items(), key=lambda pair: -len(pair[0]))
        self._numbers: dict[float, str] = {
            int(form): label for form, label in forms.items() if _DIGITS.fullmatch(form)
        }

    def text(self, text: str) -> str:
        """Give `text` without the values, in its drawn pictures neither."""
        if self._forms:
            text = DRAWN.sub(self._drawn, text)
        for form, label in self._forms:
            if form in text:
                text = text.replace(form, label)
        return text

    def _drawn(self, found: re.Match[str]) -> str:
        try:
            drawn = base64.b64decode(found[2]).decode()
        except ValueError:
            return found[0]
        return found[1] + base64.b64encode(self.text(drawn).encode()).decode()

    def anything(self, value: Any) -> Any:
        """Give a copy of JSON-like data without the values, keys included; the same object without secrets."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            made = {self.anything(key): self.anything(each) for key, each in value.items()}
            return type(value)(made) if isinstance(value, dict) else made
        if isinstance(value, (list, tuple)):
            return type(value)(self.anything(each) for each in value)
        if isinstance(value, (int, float)):
            # A secret of digits alone that a cell read as a number.
            return self._numbers.get(value, value)
        return value


def _forms(value: str) -> set[str]:
    raw = value.encode()
    lines = [line for line in value.splitlines() if len(line) >= LEAST]
    plain = {value, *lines, value.strip(), " ".join(value.split())}
    written = {form for text in plain for form in _written(text)}
    found = written | {base64.b64encode(raw).decode().rstrip("="), raw.hex()}
    return {form for form in found if len(form) >= LEAST}


def _written(text: str) -> set[str]:
    return {
        text,
        html.escape(text),
        html.escape(text, quote=False),
        str(escape(text)),
        repr(text)[1:-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        urllib.parse.quote(text),
        urllib.parse.quote(text, safe=""),
        urllib.parse.quote_plus(text),
    }
