"""What a mail of a report was decided of: it is the mail of that report alone, and of none made later in its place."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from spm_lib.press.fingerprint import is_unchanged
from spm_lib.press.records import RunRecord


class Basis(BaseModel):
    """The report that a mail was decided of.

    Parameters
    ----------
    fingerprint
        Of all that it was made of.
    audience
        Whom it was made for, see `spm_lib.press.audience`.
    """

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    audience: str

    @classmethod
    def of(cls, record: RunRecord) -> Basis:
        """Give that of a run."""
        return cls(fingerprint=record.fingerprint, audience=record.audience)

    def differs(self, record: RunRecord) -> str:
        """Say how the report that stands on the shelf now differs from this one; empty where it is this one."""
        if self.audience != record.audience:
            return (
                f"the report was made for the {self.audience} then, and is made for the {record.audience} now"
            )
        if not is_unchanged(self.fingerprint, record.fingerprint):
            return "the report was made again since, of something else"
        return ""
