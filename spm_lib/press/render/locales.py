"""The locale in which a report was written, as it says itself."""

from __future__ import annotations

from spm_lib.errors import ParameterError
from spm_lib.settings import DEFAULT_LOCALE, parse_locale


def locale_of(published: object) -> str:
    """Give a published locale, the default where none was published that is one."""
    if not isinstance(published, str):
        return DEFAULT_LOCALE
    try:
        return parse_locale(published)
    except ParameterError:
        return DEFAULT_LOCALE
