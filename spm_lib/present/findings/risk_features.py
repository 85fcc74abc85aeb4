"""What people call the features of deals."""

from __future__ import annotations

from collections.abc import Iterable

from spm_lib.present.findings.risk_words import field_words

FEATURES = {
    "pipeline": "pipeline",
    "stage": "stage",
    "stage_position": "place of the stage",
    "days_to_expected_close": "days to the expected close",
    "days_left_in_period": "days left in the quarter",
    "month": "month of the year",
    "age_days": "age",
    "days_in_stage": "days in the stage",
    "stage_time_ratio": "time in the stage against what is long",
    "moves_back": "moves back",
    "stages_skipped": "stages skipped",
    "pushes": "times pushed out",
    "pulls": "times pulled in",
    "days_pushed": "days pushed",
    "amount_ratio": "amount against the first known",
    "amount_cuts": "amount cuts",
    "amount_raises": "amount raises",
    "days_since_activity": "days since the last activity",
    "activities_7": "activities in 7 days",
    "activities_14": "activities in 14 days",
    "activities_30": "activities in 30 days",
    "activity_trend": "trend of activities",
    "contacts": "people at the customer",
    "next_step_missing": "next step missing",
    "owner_changes": "changes of owner",
    "owner_open_deals": "owner's open deals",
    "owner_win_rate": "owner's record",
    "account_won": "deals won at the account",
    "account_lost": "deals lost at the account",
    "account_open_deals": "open deals at the account",
    "log_amount": "amount",
    "deal_type": "kind of deal",
    "source": "source",
    "forecast_category": "forecast category",
    "product": "product",
    "industry": "industry",
    "segment": "segment",
    "region": "region",
}


def feature_words(name: str) -> str:
    """Give a feature's name as people say it; a custom field's own."""
    return FEATURES.get(name) or field_words(name)


def features_words(names: Iterable[str]) -> str:
    """Give several, parted by commas."""
    return ", ".join(feature_words(name) for name in names)
