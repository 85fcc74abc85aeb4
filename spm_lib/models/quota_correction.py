"""What outlooks on quotas are corrected by, as earlier quarters taught it: plain values, read wherever outlooks are told."""

from __future__ import annotations

from dataclasses import dataclass

from spm_lib.models.quota_simulation import Prospects

#: How much the deals of one rep go together where too little is on record.
USUAL_CORRELATION = 0.03


@dataclass(frozen=True)
class Calibration:
    """What outlooks are corrected by.

    Parameters
    ----------
    quarters, outlooks
        How many earlier quarters, and reps' quarters in them, it rests on; 0 where outlooks are told uncorrected.
    why
        Why they are, as a clause; empty where it rests on something.
    kept
        What deals won brought, as a share of what they were to bring when they were open.
    correlation
        How much the deals of one rep go well or badly together: see `spm_lib.models.quota_simulation.simulate`.
    scale
        What all reps together won in the rest of a quarter, as a share of what was to be expected; 1 where quarters do not
        agree that it differs.
    brier, error
        Mean squared distance, and mean distance by bins, of what is told of the past so corrected and what came; None where
        it rests on nothing.
    """

    quarters: int = 0
    outlooks: int = 0
    why: str = ""
    kept: float = 1.0
    correlation: float = USUAL_CORRELATION
    scale: float = 1.0
    brier: float | None = None
    error: float | None = None

    def corrected(self, prospects: Prospects) -> Prospects:
        """Give prospects with the amounts that are to be expected."""
        return prospects.times(deals=self.kept * self.scale, new=self.scale)
