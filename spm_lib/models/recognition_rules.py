"""Which recognition is given, and for how much: ``params/recognition.yml``, in the company's own words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from spm_lib.spec_file import Text, mistake, read_spec

#: Where reports find the file, under the folder that `spm_lib.settings.find_root` gives.
RULES_FILE = Path("params") / "recognition.yml"

LABEL_LIMIT = 60


def _worded(value: str) -> str:
    if not value.strip():
        raise mistake("the label is empty", "Write what readers are to read, or leave the key out")
    if len(value) > LABEL_LIMIT:
        raise mistake(f"the label has more than {LABEL_LIMIT} characters", "Write a few words")
    return value.strip()


Label = Annotated[Text, AfterValidator(_worded)]
Count = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Days = Annotated[int, Field(strict=True, ge=0, le=1_000)]
Share = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Multiple = Annotated[float, Field(strict=True, gt=0, le=10, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Kind(_Part):
    """What every kind has: whether it is given, and what readers call it."""

    enabled: StrictBool = True
    label: Label


class QuotaReached(_Kind):
    """Revenue of at least `attainment` times the person's own quota of the period."""

    label: Label = "Quota reached"
    attainment: Annotated[float, Field(strict=True, ge=0.1, le=10, allow_inf_nan=False)] = 1.0


class Streak(_Kind):
    """`periods` periods in a row with the quota reached, this one the last of them."""

    label: Label = "Streak"
    periods: Annotated[int, Field(strict=True, ge=2, le=40)] = 3


class PersonalBest(_Kind):
    """More revenue than in any earlier period, of which `earlier_periods` at least had a deal decided."""

    label: Label = "Personal best"
    earlier_periods: Count = 4


class BiggestDeal(_Kind):
    """The largest of the scope's deals won in the period, of `deals_won` at least.

    It is told as a personal record where it is larger than all of `earlier_deals` or more that the person had won.
    """

    label: Label = "Biggest deal"
    deals_won: Annotated[int, Field(strict=True, ge=2, le=10_000)] = 5
    earlier_deals: Count = 10


class Comeback(_Kind):
    """Quota reached after a period that ended under `missed_below` of it; or a deal won that had been lost.

    The deal was lost `days_after_loss` days or more before it was won: a slip put right is no comeback.
    """

    label: Label = "Comeback"
    missed_below: Share = 0.75
    days_after_loss: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 7


class MostImproved(_Kind):
    """A win rate above that of the `earlier_periods` before, or revenue above that of a year ago, beyond chance.

    Win rates rest on `deals_decided` deals or more on either side. Of all that is asked of one scope, at most
    `false_discovery_rate` is expected to be named by chance.
    """

    label: Label = "Most improved"
    earlier_periods: Annotated[int, Field(strict=True, ge=1, le=40)] = 4
    deals_decided: Annotated[int, Field(strict=True, ge=5, le=10_000)] = 10
    false_discovery_rate: Annotated[float, Field(strict=True, gt=0, le=0.2, allow_inf_nan=False)] = 0.05


class FastestCleanCycle(_Kind):
    """The deal won in the least of the usual time, if nothing of it was pushed, moved back, cut or reopened.

    Usual is the median of the scope's deals won lately in the same pipeline and of the same type, `such_deals` at least. The
    deal took at most `share_of_usual_time` of it, is worth `share_of_usual_amount` of the usual amount or more, and was
    open `open_days` or more: what is won on the day it is entered was entered late.
    """

    label: Label = "Fastest clean deal"
    share_of_usual_time: Share = 0.5
    share_of_usual_amount: Multiple = 1.0
    such_deals: Annotated[int, Field(strict=True, ge=5, le=10_000)] = 10
    open_days: Days = 5


class BestHelp(_Kind):
    """The most outbound activities on colleagues' deals in the period, `activities` at least."""

    label: Label = "Best help"
    activities: Count = 10


class Kinds(_Part):
    """The kinds of recognition, in the order in which one person's are told."""

    streak: Streak = Streak()
    quota_reached: QuotaReached = QuotaReached()
    comeback: Comeback = Comeback()
    personal_best: PersonalBest = PersonalBest()
    most_improved: MostImproved = MostImproved()
    biggest_deal: BiggestDeal = BiggestDeal()
    fastest_clean_cycle: FastestCleanCycle = FastestCleanCycle()
    best_help: BestHelp = BestHelp()


#: The names of all kinds, in their order.
KINDS: tuple[str, ...] = tuple(Kinds.model_fields)


class RecognitionRules(_Part):
    """The YAML file, key by key; what it leaves out is as the defaults here say.

    In the first `just_ended_days` days of a period, what was earned in the one before is told too.
    """

    just_ended_days: Annotated[int, Field(strict=True, ge=0, le=90)] = 14
    kinds: Kinds = Kinds()

    def gives(self, kind: str) -> bool:
        """Tell whether a kind of recognition is given."""
        given: bool = getattr(self.kinds, kind).enabled
        return given

    @property
    def labels(self) -> Mapping[str, str]:
        """What readers call each kind."""
        return {kind: getattr(self.kinds, kind).label for kind in KINDS}


def load_recognition_rules(path: Path | None = None) -> RecognitionRules:
    """Read the rules of recognition.

    Parameters
    ----------
    path
        The YAML file; None: the defaults.

    Returns
    -------
    RecognitionRules

    Raises
    ------
    SpecError
        Where the file is missing, or says what no rule knows: it names file, line and mend.
    """
    return RecognitionRules() if path is None else read_spec(path, RecognitionRules)


def find_recognition_rules(root: Path) -> RecognitionRules:
    """Read ``params/recognition.yml`` under a project's folder; the defaults where there is no such file.

    Raises
    ------
    SpecError
        As `load_recognition_rules`.
    """
    path = root / RULES_FILE
    return load_recognition_rules(path if path.exists() else None)
