"""Names of environment variables in specs: a secret's name may stand in a file, its value never."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from spm_lib.spec_file import mistake


def _environment_name(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", value):
        # Its value instead of its name would be a secret in a file: it is not repeated.
        raise mistake(
            "this is no name of an environment variable", "Write names, never values, like CRM_TOKEN"
        )
    return value


EnvironmentName = Annotated[str, BeforeValidator(_environment_name)]
