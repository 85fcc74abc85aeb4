"""The notebook's handle: parameters in, data of one scope, and `publish` for the figures that leave it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from spm_lib import metrics as measured
from spm_lib.data.history import Snapshot
from spm_lib.data.store import open_store
from spm_lib.errors import ParameterError, PeriodError, UnknownNameError, did_you_mean, one_line
from spm_lib.metrics import CATALOGUE, ExpectedShare, Metric
from spm_lib.metrics.comparison import Against, earlier
from spm_lib.metrics.decomposition import RevenueChange, explain_revenue
from spm_lib.metrics.plan import against_plan
from spm_lib.metrics.signals import signals
from spm_lib.metrics.stages import stages_of
from spm_lib.models.coaching.coaching import Coaching, people_of_scope, read_coaching
from spm_lib.models.coaching.coaching_figures import coaching_figures
from spm_lib.models.coaching.playbook import Playbook, find_playbook
from spm_lib.models.flag_record import FlagRecord, calibration_to_date, flag_record
from spm_lib.models.flags import Flags, read_flags, report_ledger
from spm_lib.models.quota_record import OutlookRecord, read_outlook_record
from spm_lib.models.recognition import recognised, recognitions_of, unasked
from spm_lib.models.recognition_rules import RecognitionRules, find_recognition_rules
from spm_lib.models.risk_card import RiskCard, read_card
from spm_lib.models.risk_figures import model_figures, risk_figures
from spm_lib.models.risk_money import money_by
from spm_lib.periods import Period, parse_date, parse_period
from spm_lib.present import Kpi, definitions, freshness, join_names, kpi_strip, style, team_gaps
from spm_lib.present.chart import why
from spm_lib.present.display import Block, clean, is_null
from spm_lib.published import TOLD, Published, published
from spm_lib.settings import Settings
from spm_lib.theme import Look

LATEST = "latest"

#: Who reads a report.
MANAGER, TEAM = "manager", "team"

Metrics = str | Metric | Iterable[str | Metric]


@dataclass(frozen=True)
class Report:
    """One report: the data of one scope as known on one day, and one period.

    Parameters
    ----------
    snapshot
        The data, of the report's team and those below it or, without a team, of the company.
    period
        The period that the report is about.
    look
        How its numbers are written.
    rep
        The id of the one rep that it is about; empty: all of the scope.
    audience
        Who reads it: ``manager``, or ``team``, which is not shown what is the manager's alone.
    root
        The folder that holds ``params/``.
    """

    snapshot: Snapshot
    period: Period
    look: Look
    rep: str = ""
    audience: str = MANAGER
    root: Path = Path()

    @property
    def name(self) -> str:
        """The rep's name, the team's, or "The company"."""
        if self.rep:
            return clean(self.people[self.rep])
        team = self.snapshot.team_id
        return clean(self.snapshot.teams[team].name) if team else "The company"

    @cached_property
    def people(self) -> Mapping[str, str]:
        """The names of all people of the scope's teams at work on the day, by id."""
        found = people_of_scope(self.snapshot)
        return dict(zip(found["rep_id"], found["rep_name"], strict=True))

    @property
    def as_of(self) -> dt.date:
        """The day that the report speaks of."""
        return self.snapshot.date

    @property
    def before(self) -> str:
        """What the period is compared with, as people write it."""
        past = earlier(self.period, "previous")
        if past is None:
            return "the period before"
        complete = self.period.is_complete(self.as_of)
        return past.title if complete else f"{past.title} at the same point"

    @cached_property
    def expected_share(self) -> ExpectedShare:
        """The share of a period's revenue to expect at this point, from the company's own past."""
        return measured.expected_share(self.snapshot, self.period)

    def evaluate(
        self, metrics: Metrics, by: str | Sequence[str] = (), period: Period | None = None
    ) -> pd.DataFrame:
        """Evaluate metrics over the report's period, or another; see `spm_lib.metrics.evaluate`."""
        return measured.evaluate(metrics, self.snapshot, period or self.period, by)

    def compare(
        self, metrics: Metrics, by: str | Sequence[str] = (), against: Against = "previous"
    ) -> pd.DataFrame:
        """Compare metrics with an earlier period; see `spm_lib.metrics.compare`."""
        return measured.compare(metrics, self.snapshot, self.period, by, against)

    def behaviour(self, metrics: Metrics, unit: str = "month", n: int = 12) -> pd.DataFrame:
        """Follow metrics over the last months with their limits; see `spm_lib.metrics.behaviour`."""
        return measured.behaviour(metrics, self.snapshot, self.period, unit, n)

    def signals(self, metrics: Metrics, by: str | Sequence[str] = (), n: int = 12) -> pd.DataFrame:
        """Follow metrics over the last months, the latest complete one judged; see `spm_lib.metrics.signals`."""
        return signals(metrics, self.snapshot, self.period, n=n, by=by)

    def against_plan(self, by: str | Sequence[str] = ()) -> pd.DataFrame:
        """Evaluate attainment, pace and the gap to plan in money; see `spm_lib.metrics.plan.against_plan`."""
        return against_plan(self.snapshot, self.period, by, self.expected_share)

    def revenue_change(self) -> RevenueChange:
        """Explain the change of revenue on the period before; see `spm_lib.metrics.decomposition`."""
        return explain_revenue(self.snapshot, self.period)

    def team_gaps(self, plan: pd.DataFrame, change: pd.DataFrame) -> pd.DataFrame:
        """Put what is known of each team in one row; see `spm_lib.present.ranking.team_gaps`."""
        return team_gaps(plan, change)

    def stages(self) -> pd.DataFrame:
        """Evaluate stage conversion, each stage with its pipeline."""
        found = self.evaluate("stage_conversion")
        places = stages_of(self.snapshot).set_index("part")["pipeline"]
        return found.assign(pipeline=found["part"].map(places) if len(places) else None)

    def coverage(self) -> tuple[list[str], pd.DataFrame]:
        """Give the pipeline coverage of this period and the next, and what the two are called."""
        spans = [span for span in (self.period, _next(self.period)) if span is not None]
        rows = [self.evaluate("pipeline_coverage", period=span) for span in spans]
        return [span.title for span in spans], pd.concat(rows, ignore_index=True)

    def won_deals(self) -> pd.DataFrame:
        """List the deals won in the period; see `spm_lib.metrics.won_deals`."""
        return measured.won_deals(self.snapshot, self.period)

    def open_deals(self) -> pd.DataFrame:
        """List the open deals expected in the period; see `spm_lib.metrics.open_deals`."""
        return measured.open_deals(self.snapshot, self.period)

    @cached_property
    def flags(self) -> Flags:
        """The open deals at risk by the end of the fiscal quarter, as last scored; see `spm_lib.models.flags`."""
        return read_flags(self.snapshot, report_ledger(self.snapshot))

    @cached_property
    def flag_record(self) -> FlagRecord:
        """How the flags of about eight weeks ago turned out; see `spm_lib.models.flag_record`."""
        return flag_record(self.snapshot, report_ledger(self.snapshot))

    def calibration_to_date(self) -> pd.DataFrame:
        """Compare chances told with what happened; see `spm_lib.models.flag_record.calibration_to_date`."""
        return calibration_to_date(self.snapshot, report_ledger(self.snapshot))

    def money_at_risk(self, by: str) -> pd.DataFrame:
        """Add up the money due and at risk by ``team`` or ``rep``; see `spm_lib.models.risk_money.money_by`.

        What is at risk is unknown where the model has shown no skill.
        """
        deals = self.flags.deals if self.flags.signal else self.flags.deals.assign(at_risk=float("nan"))
        return money_by(deals, by)

    def risk_rules(self) -> pd.DataFrame:
        """Give what each rule has told in the company's past; see `spm_lib.models.risk_card`."""
        return self.risk_card.rules

    @cached_property
    def risk_card(self) -> RiskCard:
        """The card of the model that scored the latest day; see `spm_lib.models.risk_card`."""
        return read_card(self.snapshot, report_ledger(self.snapshot))

    def risk_figures(self) -> pd.DataFrame:
        """Give the key figures of deals at risk; see `spm_lib.models.risk_figures`."""
        return risk_figures(self.flags, self.flag_record)

    def model_figures(self) -> pd.DataFrame:
        """Give the key figures of the model's card; see `spm_lib.models.risk_figures`."""
        return model_figures(self.risk_card)

    @cached_property
    def coaching(self) -> Coaching:
        """What was last found of the people of the scope, or of the one rep; see `spm_lib.models.coaching.coaching`."""
        found = read_coaching(self.snapshot)
        return found.of(self.rep) if self.rep else found

    @cached_property
    def outlook_record(self) -> OutlookRecord:
        """How the outlooks on quotas told earlier turned out; see `spm_lib.models.quota_record`."""
        return read_outlook_record(self.snapshot)

    def coaching_figures(self) -> pd.DataFrame:
        """Give the key figures of coaching, unknown to others than the manager; see `spm_lib.models.coaching`."""
        return coaching_figures(self.coaching if self.audience == MANAGER else Coaching(self.as_of))

    @cached_property
    def playbook(self) -> Playbook:
        """The company's own actions by lever, from ``params/coaching_playbook.yml``."""
        return find_playbook(self.root)

    @cached_property
    def recognition_rules(self) -> RecognitionRules:
        """What is recognised, from ``params/recognition.yml``."""
        return find_recognition_rules(self.root)

    @cached_property
    def recognition(self) -> pd.DataFrame:
        """What the people of the scope, or the one rep, have earned; see `spm_lib.models.recognition.recognised`."""
        found = recognised(self.snapshot, self.period, self.recognition_rules)
        return recognitions_of(found, self.rep) if self.rep else found

    @property
    def unrecognised(self) -> Mapping[str, str]:
        """The kinds of recognition that the data cannot show, and why."""
        return unasked(self.snapshot, self.period, self.recognition_rules)

    def kpi_strip(self, kpis: pd.DataFrame, trends: pd.DataFrame) -> Block:
        """Show key figures, each with what it is compared with, how sure it is, and its way there.

        Parameters
        ----------
        kpis
            Rows of `compare` for the whole scope, through `keep_discoveries`.
        trends
            Rows of `behaviour`; metrics that it does not hold are shown without a trend. A month that is not over would
            look like a fall, and is left out.
        """
        rows = kpis.to_dict("records")
        # What cannot be shown is said once, at the end; where that is everything, it is said here.
        known = [row for row in rows if not is_null(row["value"]) or row["note"] == "met"] or rows
        items = []
        for row in known:
            metric = CATALOGUE[row["metric"]]
            months = trends[(trends["metric"] == metric.name) & trends["complete"].astype(bool)]
            items.append(
                Kpi.from_row(
                    row, metric.label, better=metric.better, against=self.before, trend=tuple(months["value"])
                )
            )
        return kpi_strip(items, self.look)

    def freshness(self, *frames: pd.DataFrame) -> Block:
        """Say how old the data are, what was refused, and what `frames` could not show, and why."""
        meta = self.snapshot.meta
        missing: dict[str, list[str]] = {}
        for frame in frames:
            for metric, rows in frame.groupby("metric", sort=False):
                notes = [str(n) for n in rows["note"] if not is_null(n) and n != "met"]
                label = TOLD[str(metric)].label
                if rows["value"].isna().all() and notes:
                    missing.setdefault(why(notes[0]), []).append(label)
                for split in ("product", "source"):
                    if split in rows and rows[split].isna().all() and rows["value"].notna().any():
                        missing.setdefault(f"the deals carry no {split}", []).append(f"{label} by {split}")
        return freshness(
            source=meta.source,
            as_of=self.as_of,
            last_data_date=meta.last_data_date,
            loaded_at=meta.loaded_at,
            timezone=meta.timezone,
            rows=meta.rows,
            quarantined=meta.quarantined,
            missing=[(join_names(whats, limit=len(whats)), reason) for reason, whats in missing.items()],
            look=self.look,
        )

    def definitions(self, names: Iterable[str]) -> Block:
        """Say what figures mean: metrics of the catalogue, and what a report tells besides."""
        return definitions([TOLD[name] for name in names], look=self.look)

    def publish(
        self,
        headline: str,
        kpis: pd.DataFrame,
        *,
        actions: Sequence[str] = (),
        people: Sequence[str] = (),
        deals: Sequence[str] = (),
        standing: str | None = None,
    ) -> Published:
        """Give the figures that leave the notebook; make it the value of the last cell.

        Parameters
        ----------
        headline
            The report's one sentence.
        kpis
            Rows of `compare` or `evaluate` for the whole scope, one a metric.
        actions
            What to do, a sentence each.
        people, deals
            Names of the people and ids of the deals that the report names.
        standing
            How the team stands against the usual pace (see `findings.pace_verdict`), which an index counts.

        Raises
        ------
        ParameterError
            Where the headline is empty, or the rows are of more than the whole scope.
        """
        return published(
            headline,
            kpis,
            actions=actions,
            people=people,
            deals=deals,
            standing=standing,
            name=self.name,
            period=self.period,
            snapshot=self.snapshot,
            look=self.look,
        )

    def _repr_html_(self) -> str:
        line = Markup('<p class="spm spm-note"><strong>{}</strong> · {} · as of {} · {}</p>').format(
            self.name, self.period.title, self.look.date(self.as_of), self.look.currency
        )
        return str((style() + Block(line, ""))._repr_html_())


def open_report(
    team: str | None = "",
    period: str | int = "this-quarter",
    as_of: str | dt.date = LATEST,
    store: str | Path | None = None,
    *,
    rep: str = "",
    audience: str = MANAGER,
) -> Report:
    """Open the data of one report.

    Parameters
    ----------
    team
        A team's id: the report holds that team and those below it. Empty or None: the whole company.
    period
        See `spm_lib.periods.parse_period`; a year may come as a number.
    as_of
        The day that the report speaks of: nothing that became known later is in it. ``latest``: the last data date.
    store
        The store's file; by default ``SPM_STORE``, else ``data/store.duckdb`` of the project.
    rep
        A rep's id: the report is about this person, in the team of that day.
    audience
        ``manager``, or ``team``: see `Report`.

    Raises
    ------
    StoreError, UnknownNameError, PeriodError
        With what to write instead.
    """
    settings = Settings.from_environment(os.environ, Path.cwd())
    opened = open_store(store or settings.store)
    snapshot = opened.as_of(None if as_of in ("", LATEST) else parse_date(as_of))
    if audience not in (MANAGER, TEAM):
        mend = did_you_mean(audience, (MANAGER, TEAM))
        raise ParameterError(f"there is no audience '{one_line(audience, 40)}'", where="audience", mend=mend)
    if rep:
        team = _team_of(rep, snapshot)
    if team:
        snapshot = snapshot.scope(str(team))
    snapshot = snapshot.keeping()
    span = parse_period(period, as_of=snapshot.date, calendar=snapshot.meta.calendar)
    look = Look(snapshot.meta.currency, settings.locale)
    return Report(snapshot, span, look, rep=rep, audience=audience, root=settings.root)


def _team_of(rep: str, snapshot: Snapshot) -> str | None:
    """Give the team of a rep on the snapshot's day; None for a company without teams."""
    people = people_of_scope(snapshot).set_index("rep_id")["team"]
    if rep not in people.index:
        raise UnknownNameError(
            f"there is no rep '{one_line(rep, 60)}' at work on {snapshot.date}",
            where="rep",
            mend=did_you_mean(rep, people.index),
        )
    team = people[rep]
    return None if is_null(team) else str(team)


def _next(period: Period) -> Period | None:
    try:
        return period.next()
    except PeriodError:
        return None
