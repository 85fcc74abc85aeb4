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
    reader
        Who the recipient is, see `spm_lib.press.deliver.addressing.Addressee.why`: a person whose address is corrected
        stays the same one.
    left_out
        Whether the mails of its revision leave somebody out for want of an address.
    """

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    audience: str
    reader: str = ""
    left_out: bool = False

    @classmethod
    def of(cls, record: RunRecord, reader: str = "", *, left_out: bool = False) -> Basis:
        """Give that of a run."""
        return cls(fingerprint=record.fingerprint, audience=record.audience, reader=reader, left_out=left_out)

    def differs(self, record: RunRecord) -> str:
        """Say why the report that stands on the shelf now is not this one, done; empty where it is."""
        if record.status != "done":
            return f"the report {'failed' if record.status == 'failed' else 'is held'} since"
        if self.audience != record.audience:
            return (
                f"the report was made for the {self.audience} then, and is made for the {record.audience} now"
            )
        if not is_unchanged(self.fingerprint, record.fingerprint):
            return "the report was made again since, of something else"
        return ""
