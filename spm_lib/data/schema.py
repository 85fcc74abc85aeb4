"""The canonical tables, each declared once: column, type, null or not, key, meaning."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

SCHEMA_VERSION = 1

#: Names of column types and what DuckDB stores them as. Money is kept to the cent, so that sums are exact.
SQL_TYPES = MappingProxyType(
    {
        "text": "VARCHAR",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "money": "DECIMAL(18,2)",
        "rate": "DECIMAL(18,8)",
        "fraction": "DOUBLE",
        "integer": "BIGINT",
        "boolean": "BOOLEAN",
    }
)


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Parameters
    ----------
    name, type, meaning
        Type is a key of `SQL_TYPES`.
    required
        Whether null is refused.
    one_of
        The values allowed, where they are few.
    references
        ``(table, column)`` whose values this column must hold where it is not null.
    low, high
        The smallest and largest value allowed, for numbers.
    """

    name: str
    type: str
    meaning: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    references: tuple[str, str] | None = None
    low: float | None = None
    high: float | None = None

    @property
    def sql_type(self) -> str:
        """The DuckDB type this column is stored as."""
        return SQL_TYPES[self.type]


@dataclass(frozen=True)
class Table:
    """One canonical table; `key` columns are unique together and never null."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    required: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        """Give the column called `name`; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


MONEY_LIMIT = 1e13  # an amount beyond this is a mistake of the export, not a deal

_MONEY = {"low": -MONEY_LIMIT, "high": MONEY_LIMIT}
_OUTCOMES = ("open", "won", "lost")
_REP = ("reps", "rep_id")
_TEAM = ("teams", "team_id")
_DEAL = ("deals", "deal_id")
_ACCOUNT = ("accounts", "account_id")
_PRODUCT = ("products", "product_id")


def _c(name: str, type_: str, meaning: str, **more: object) -> Column:
    return Column(name, type_, meaning, **more)  # type: ignore[arg-type]


_TABLES = (
    Table(
        "teams",
        "Teams as a tree",
        ("team_id",),
        (
            _c("team_id", "text", "The team's id", required=True),
            _c("name", "text", "The team's name"),
            _c("parent_team_id", "text", "The team above", references=_TEAM),
            _c("manager_id", "text", "The rep who leads the team", references=_REP),
            _c("email", "text", "The team's address"),
        ),
    ),
    Table(
        "reps",
        "People who own deals, and their managers",
        ("rep_id",),
        (
            _c("rep_id", "text", "The person's id", required=True),
            _c("name", "text", "The person's name"),
            _c("email", "text", "The person's address"),
            _c("role", "text", "Job title or role"),
            _c("manager_id", "text", "The person this one reports to", references=_REP),
            _c("hired_on", "date", "First day of work"),
            _c("left_on", "date", "Last day of work"),
        ),
        required=True,
    ),
    Table(
        "team_members",
        "A rep's team at a date, so that a move does not rewrite history",
        ("rep_id", "team_id", "valid_from"),
        (
            _c("rep_id", "text", "The rep", required=True, references=_REP),
            _c("team_id", "text", "The team", required=True, references=_TEAM),
            _c("valid_from", "date", "First day in the team; null: since ever"),
            _c("valid_to", "date", "Last day in the team; null: until further notice"),
        ),
    ),
    Table(
        "accounts",
        "Customers and prospects",
        ("account_id",),
        (
            _c("account_id", "text", "The account's id", required=True),
            _c("name", "text", "The account's name"),
            _c("industry", "text", "Industry"),
            _c("segment", "text", "Segment, such as SMB or enterprise"),
            _c("region", "text", "Region or country"),
            _c("employees", "integer", "Number of employees", low=0),
            _c("annual_revenue", "money", "The account's own revenue a year", **_MONEY),
        ),
    ),
    Table(
        "products",
        "What is sold",
        ("product_id",),
        (
            _c("product_id", "text", "The product's id", required=True),
            _c("name", "text", "The product's name"),
            _c("family", "text", "Product family"),
            _c("list_price", "money", "List price in the reporting currency", **_MONEY),
        ),
    ),
    Table(
        "stages",
        "The stages of each pipeline in order",
        ("pipeline", "stage"),
        (
            _c("pipeline", "text", "The pipeline", required=True),
            _c("stage", "text", "The stage", required=True),
            _c("position", "integer", "Place in the pipeline, from 1", required=True),
            _c("probability", "fraction", "Chance to be won, 0 to 1", low=0, high=1),
            _c("outcome", "text", "What a deal in this stage is", required=True, one_of=_OUTCOMES),
        ),
    ),
    Table(
        "deals",
        "Opportunities, as they stand today",
        ("deal_id",),
        (
            _c("deal_id", "text", "The deal's id", required=True),
            _c("name", "text", "The deal's name"),
            _c("account_id", "text", "The account", references=_ACCOUNT),
            _c("owner_id", "text", "The rep who owns the deal", required=True, references=_REP),
            _c("pipeline", "text", "The pipeline"),
            _c("stage", "text", "The stage"),
            _c("amount", "money", "Amount in the deal's currency; negative for a refund", **_MONEY),
            _c("currency", "text", "ISO 4217 code; null: the reporting currency"),
            _c("created_on", "date", "Day of creation"),
            _c("qualified_on", "date", "Day of qualification"),
            _c("expected_close_on", "date", "Day on which the rep expects to close"),
            _c("closed_on", "date", "Day on which the deal was won or lost"),
            _c("outcome", "text", "open, won or lost", required=True, one_of=_OUTCOMES),
            _c("loss_reason", "text", "Why it was lost"),
            _c("deal_type", "text", "New business, renewal, expansion …"),
            _c("source", "text", "Where the deal came from"),
            _c("product_id", "text", "The product", references=_PRODUCT),
            _c("forecast_category", "text", "The rep's forecast category"),
            _c("next_step", "text", "The next step agreed"),
            _c("merged_into_id", "text", "The deal that this duplicate was merged into"),
            _c("removed_on", "date", "Day on which the source was first seen without this deal"),
        ),
        required=True,
    ),
    Table(
        "deal_changes",
        "What changed on a deal, and when: any column of deals, x_ included",
        ("deal_id", "field", "changed_at"),
        (
            _c("deal_id", "text", "The deal", required=True, references=_DEAL),
            _c("field", "text", "The column of deals that changed", required=True),
            _c("old_value", "text", "The value before, as text; dates as yyyy-mm-dd"),
            _c("new_value", "text", "The value after, as text; dates as yyyy-mm-dd"),
            _c("changed_at", "timestamp", "When, in the source's time zone", required=True),
        ),
    ),
    Table(
        "activities",
        "Calls, meetings, mails and tasks",
        ("activity_id",),
        (
            _c("activity_id", "text", "The activity's id", required=True),
            _c("deal_id", "text", "The deal it was about", references=_DEAL),
            _c("rep_id", "text", "Who did it", references=_REP),
            _c("contact_id", "text", "The person on the customer's side"),
            _c("kind", "text", "call, meeting, email, task …"),
            _c("direction", "text", "inbound or outbound", one_of=("inbound", "outbound")),
            _c("occurred_at", "timestamp", "When it takes place", required=True),
            _c("recorded_at", "timestamp", "When it was entered; null: when it took place"),
            _c("completed", "boolean", "Whether it has taken place"),
        ),
    ),
    Table(
        "leads",
        "Enquiries before they are deals",
        ("lead_id",),
        (
            _c("lead_id", "text", "The lead's id", required=True),
            _c("source", "text", "Where it came from"),
            _c("owner_id", "text", "The rep who owns it", references=_REP),
            _c("created_on", "date", "Day of creation", required=True),
            _c("converted_on", "date", "Day on which it became a deal"),
            _c("converted_deal_id", "text", "The deal it became", references=_DEAL),
            _c("status", "text", "Status"),
            _c("merged_into_id", "text", "The lead that this duplicate was merged into"),
        ),
    ),
    Table(
        "quotas",
        "Targets of reps and teams",
        ("owner_kind", "owner_id", "kind", "starts_on"),
        (
            _c("owner_kind", "text", "rep or team", required=True, one_of=("rep", "team")),
            _c("owner_id", "text", "The rep or team", required=True),
            _c("kind", "text", "individual or roll_up", required=True, one_of=("individual", "roll_up")),
            _c("starts_on", "date", "First day", required=True),
            _c("ends_on", "date", "Last day", required=True),
            _c("amount", "money", "Target for these days", required=True, low=0, high=MONEY_LIMIT),
            _c("currency", "text", "ISO 4217 code; null: the reporting currency"),
        ),
    ),
    Table(
        "initiatives",
        "Improvement initiatives",
        ("initiative_id",),
        (
            _c("initiative_id", "text", "The initiative's id", required=True),
            _c("name", "text", "Its name"),
            _c("starts_on", "date", "First day", required=True),
            _c("ends_on", "date", "Last day"),
            _c("target_metric", "text", "The metric it is to move"),
            _c("hypothesis", "text", "Why it should"),
        ),
    ),
    Table(
        "initiative_members",
        "Who takes part in an initiative",
        ("initiative_id", "rep_id"),
        (
            _c("initiative_id", "text", "The initiative", required=True,
               references=("initiatives", "initiative_id")),
            _c("rep_id", "text", "The rep", required=True, references=_REP),
        ),
    ),
    Table(
        "fx_rates",
        "Exchange rates",
        ("currency", "valid_from"),
        (
            _c("currency", "text", "ISO 4217 code", required=True),
            _c("valid_from", "date", "First day of this rate", required=True),
            _c("rate", "rate", "Reporting currency per unit", required=True, low=1e-8, high=1e8),
        ),
    ),
)  # fmt: skip

#: Every canonical table by name, in an order in which references mostly point backwards.
TABLES = MappingProxyType({t.name: t for t in _TABLES})

#: Columns of deals that a source cannot change after creation, whatever it declares.
ALWAYS_FIXED = frozenset({"deal_id", "name", "created_on", "currency"})

#: Prefix of a CRM's own fields, which travel along on deals.
CUSTOM_PREFIX = "x_"

#: Types that a custom field may be stored as, the first that fits all its values.
CUSTOM_TYPES = ("BIGINT", "DOUBLE", "DATE", "BOOLEAN", "VARCHAR")
