"""The configuration of a monitor: frozen dataclasses, named as the keys of the YAML file.

A key is its type, its default, and below it what it means with an example.  The JSON schemas and
the tables of the documentation follow from them: ``python -m kldrift.config`` writes them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from kldrift.config.alarms import Alarms
from kldrift.config.dataset import ONLY_REFERENCE, Dataset
from kldrift.config.problems import shown_value
from kldrift.config.question import (
    Expectations,
    MonitorName,
    Output,
    Question,
    Report,
    Scan,
    Significance,
    Spark,
    checked,
    empty_sections,
)
from kldrift.config.time import Time
from kldrift.config.values import (
    CategoryLimits,
    Condition,
    Filled,
    Flag,
    Name,
    Number,
    SegmentsOrConditions,
    Text,
    Thresholds,
    Whole,
    all_stated,
    refuse,
    wrong,
)
from kldrift.features.wanted import Choice
from kldrift.scoring.metrics import DEFAULT_THRESHOLDS, JOINT_METRICS, METRICS, Threshold

Missing = Literal["cell", "exclude"]
Covariance = Literal["full", "diagonal"]

MOST_SEGMENTS: Final = 10_000
"""Of one list of columns; more nobody reads."""


@dataclass(frozen=True)
class Override(Choice):
    """The settings of one feature; those not stated are as for all features."""

    thresholds: Thresholds = field(default_factory=dict)
    """Thresholds of this feature. A metric or level that is not stated is as for all features;
    `null` judges nothing. Example: `{kl: {warning: 0.05}}`"""
    learned: Flag | None = None
    """Judge this feature by limits that are learnt from its history, or not. `thresholds: learned`
    is the same. Example: `false`"""
    categories: Annotated[dict[Name, Annotated[CategoryLimits, Filled]], Filled] = field(
        default_factory=dict
    )
    """Limits of single categories, such as a rare one, which hardly shows among all others.
    Example: `{fraud: {share_ratio: {warning: 2, critical: 4}}}`"""

    @property
    def own_cells(self) -> tuple[str, ...]:
        """Categories that need a cell of their own, however few rows they have."""
        return tuple(self.categories)

    @field_validator("missing", mode="before")
    @classmethod
    def _missing(cls, values: object) -> object:
        if not isinstance(values, list | tuple):
            text = "expected a list of numbers or texts, such as [-200]"
            raise wrong(f"{text}, got {shown_value(values)}")
        refuse(
            ((place,), f"expected a number or text, got {shown_value(value)}")
            for place, value in enumerate(values)
            if isinstance(value, bool)
            or not isinstance(value, int | float | str)
            or (isinstance(value, int) and abs(value) > sys.float_info.max)
        )
        return values

    @field_validator("parts")
    @classmethod
    def _parts(cls, parts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(parts)) != len(parts):
            raise wrong(f"expected each part once, got {', '.join(parts)}")
        return parts


@dataclass(frozen=True)
class Features:
    """Which columns are monitored, and as what."""

    include: tuple[Text, ...] = ("*",)
    """Names or patterns of the columns to monitor. Example: `[fare_amount, "tip*"]`"""
    exclude: tuple[Text, ...] = ()
    """Names or patterns of columns to leave out; wins over `include`.
    Example: `[trip_id, "*_raw"]`"""
    derived: Annotated[dict[Name, Text], Filled] = field(default_factory=dict)
    """More features: a name, and the Spark SQL expression that computes it.
    Example: `{tip_share: "tip_amount / total_amount"}`"""
    override: Annotated[dict[Name, Annotated[Override, Filled]], Filled] = field(
        default_factory=dict
    )
    """What is different for one feature. Example: `{payment_type: {kind: categorical}}`"""

    @model_validator(mode="after")
    def _of_any_feature(self) -> Features:
        if not self.include and not self.derived:
            refuse([(("include",), 'expected one pattern or more, such as "*"')])
        return self


@dataclass(frozen=True)
class Joint:
    """A group of numeric features, or one column of vectors, that is scored as a whole."""

    features: tuple[Text, ...] = field(default=(), metadata={"validate_default": True})
    """Two numeric features or more, or one column of vectors. Example: `[temp, hum]`"""
    covariance: Covariance | None = None
    """`diagonal` leaves dependence out. Without it, `full` for features and `diagonal` for
    vectors. Example: `diagonal`"""
    ridge: Number = field(default=0.0, metadata={"ge": 0.0})
    """Share of each feature's reference variance that is added to both covariances, for features
    that nearly determine each other. Example: `1e-6`"""
    thresholds: Thresholds = field(default_factory=dict)
    """Thresholds of this group, on `kl` or `gaussian_kl`; what is not stated is as for all
    features. Example: `{kl: {warning: 0.2}}`"""

    def covariance_of(self, *, vector: bool) -> Covariance:
        """The form of the covariance; by default full for features and diagonal for vectors."""
        return self.covariance or ("diagonal" if vector else "full")

    @field_validator("features")
    @classmethod
    def _features(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        if not features:
            raise wrong("expected two numeric features or more, or one column of vectors")
        if len(set(features)) != len(features):
            raise wrong(f"expected each feature once, got {', '.join(features)}")
        return features

    @field_validator("thresholds")
    @classmethod
    def _metrics(cls, thresholds: dict[str, Threshold]) -> dict[str, Threshold]:
        text = f"expected one of {', '.join(JOINT_METRICS)}: a group has no other score"
        refuse(((m,), text) for m in thresholds if m in METRICS and m not in JOINT_METRICS)
        return thresholds


@dataclass(frozen=True)
class Scoring:
    """How counts become scores."""

    bins: Whole = field(default=20, metadata={"ge": 2})
    """Cells of a numeric feature for scoring, of about equal reference mass. Example: `40`"""
    stored_bins: Whole = 128
    """Cells of a numeric feature that are counted and stored; at least `bins`. The outermost 0.1 %
    of the reference have cells of their own besides. Example: `256`"""
    max_categories: Whole = field(default=1000, metadata={"ge": 1})
    """Categories with a cell of their own; the rest is one cell, `other`, with its exact mass.
    Where there are more, those with fewer than 20 rows are in `other` too: which of them are the
    most frequent is chance. Example: `200`"""
    pseudocount: Number = field(default=0.5, metadata={"ge": 0.0})
    """Added to every cell on both sides before counts become probabilities. Example: `1.0`"""
    missing: Missing = "cell"
    """Missing values are a cell like any other, or are left out of the score.
    Example: `exclude`"""
    min_rows: Whole = field(default=2, metadata={"ge": 1})
    """Rows that both sides need for a score; with fewer, the feature is `unscored`.
    Example: `100`"""
    max_segments: Whole = field(default=1000, metadata={"ge": 1, "le": MOST_SEGMENTS})
    """Segments of each list of `segments` that are scored: the most frequent of the reference.
    Where there are more, those with fewer than 20 rows are not scored either. Example: `200`"""

    @field_validator("stored_bins")
    @classmethod
    def _stored_bins(cls, stored: int, info: ValidationInfo) -> int:
        least = max(info.data.get("bins", 2), 2)
        if stored < least:
            raise wrong(f"expected at least bins ({least}), got {shown_value(stored)}")
        return stored


@checked
class Config(Question):
    """One monitor: what to compare, how to score and judge it, where to write."""

    monitor: MonitorName
    """Names the output. 1 to 100 letters, digits, `.`, `_` or `-`, beginning with a letter or
    digit; neither `..` nor `profiling` in it (Data Docs hide runs of such a name).
    Example: `nyc_taxi`"""
    reference: Dataset
    """The rows that later ones are compared with. Example: `{path: ref.parquet}`"""
    current: Dataset
    """The rows to judge. Example: `{path: cur.parquet}`"""
    output: Output
    """Where the drift tables go. Example: `{path: drift}`"""
    features: Features = field(default_factory=Features)
    """Which columns are monitored, and as what. Example: `{exclude: [trip_id]}`"""
    joint: Annotated[dict[Name, Annotated[Joint, Filled]], Filled] = field(default_factory=dict)
    """Groups of numeric features, or columns of vectors, that are scored together as well.
    Example: `{weather: {features: [temp, hum]}}`"""
    segments: SegmentsOrConditions = ()
    """Lists of columns, each of which splits the rows by the values of its columns: columns of
    plain values (no structs, arrays or bytes), which need not be features, or derived features.
    Or a condition in Spark SQL with a name: the rows that meet it, and those that do not.
    Example: `[[payment_type], {name: long, where: "trip_distance > 10"}]`"""
    time: Time | None = None
    """Windows of the current dataset: each is compared with the reference on its own.
    Example: `{column: ordered_at, window: 1d, zone: Europe/Berlin}`"""
    scoring: Scoring = field(default_factory=Scoring)
    """How counts become scores. Example: `{bins: 40}`"""
    thresholds: Thresholds = field(default_factory=lambda: dict(DEFAULT_THRESHOLDS))
    """What score is a warning or critical, by metric; or `learned`, which is short for
    `learned: true` and `{kl: {warning: 0.1, critical: 0.25}}`. Example: `{js: {critical: 0.1}}`"""
    learned: Flag = False
    """Judge features also by limits that are learnt from the windows before. Example: `true`"""
    alarms: Alarms | None = None
    """When somebody is called: a budget of pages, alerts over several windows, what is muted.
    Example: `{budget: {pages: 1, days: 90}, after: 2 of 3}`"""
    significance: Significance = field(default_factory=Significance)
    """How sure a verdict must be that a score is more than chance. Example: `{alpha: 0.05}`"""
    expectations: Expectations | None = None
    """The Great Expectations project that shows the verdicts; `false` for none.
    Example: `false`"""
    report: Report | None = None
    """The report that `run` and `backfill` write when they end, failed or not.
    Example: `{path: drift/report.html}`"""
    spark: Spark = field(default_factory=Spark)
    """The session to make where there is none yet; under `spark-submit` its session is used as it
    is. Example: `{master: "local[4]"}`"""
    scan: Scan = "auto"
    """How rows are read: `arrow` straight from the files, `dataframe` through Spark's reader,
    `auto` whichever fits. The counts are the same. Example: `dataframe`"""
    source: Path | None = None

    _sections = empty_sections(
        "reference", "current", "output", "features", "scoring", "significance", "spark"
    )
    _stated = field_validator("thresholds")(all_stated)

    @field_validator("current")
    @classmethod
    def _rows(cls, current: Dataset) -> Dataset:
        text = "goes with reference only"
        refuse(((key,), text) for key, name in ONLY_REFERENCE.items() if getattr(current, name))
        return current

    @field_validator("reference")
    @classmethod
    def _all_rows(cls, reference: Dataset) -> Dataset:
        refuse(((key,), "goes with current only") for key in ("changes",) if reference.changes)
        return reference

    @model_validator(mode="after")
    def _windows(self) -> Config:
        such, asked = "such as {column: t, window: 1d}", self.reference
        for needs_time, expected in (
            (asked.is_history, f"windows, {such}: the reference is made of them"),
            (asked.since or asked.until, f"a column, {such}: from and to are about it"),
            (self.current.changes, f"a column, {such}: changes add to windows"),
            (self.alarms is not None, f"windows, {such}: alarms is about them"),
            (self.any_learned, f"windows, {such}: learned is about them"),
        ):
            if needs_time and self.time is None:
                refuse([(("time",), f"expected {expected}")])
        if self.time is not None and not self.reference.same:
            own = self.features.override.get(self.time.column)
            for part in own.parts if own else ():
                if self.time.windows.settles(part):
                    text = f"{part} is settled by windows of {self.time.window}: leave it out"
                    refuse([(("features", "override", self.time.column, "parts"), text)])
        if self.current.changes and self.expressions:
            name = next(iter(self.expressions))
            text = (
                f"reads files with Arrow, and {name!r} needs Spark: let the table have it as a "
                "column, or leave changes out"
            )
            refuse([(("current", "changes"), text)])
        return self

    @property
    def any_learned(self) -> bool:
        """Whether a feature is judged by limits that are learnt."""
        return self.learned or any(o.learned for o in self.features.override.values())

    @property
    def segment_columns(self) -> tuple[tuple[str, ...], ...]:
        """The columns of each list of segments; those of a condition have its name."""
        return tuple(
            (columns.name,) if isinstance(columns, Condition) else columns
            for columns in self.segments
        )

    @property
    def expressions(self) -> dict[str, str]:
        """The Spark SQL of derived features and of conditions for segments, by name."""
        conditions = {s.name: s.where for s in self.segments if isinstance(s, Condition)}
        return {**self.features.derived, **conditions}

    @field_validator("segments")
    @classmethod
    def _names(
        cls, segments: tuple[tuple[str, ...] | Condition, ...], info: ValidationInfo
    ) -> tuple[tuple[str, ...] | Condition, ...]:
        features = info.data.get("features")
        taken = set(features.derived) if features is not None else set()
        for place, one in enumerate(segments):
            if isinstance(one, Condition):
                if one.name in taken:
                    refuse([((place, "name"), f"expected another name: {one.name!r} is taken")])
                taken.add(one.name)
        return segments

    def asked(self) -> dict[str, Any]:
        """Return the settings that results depend on; later keys only where they are set."""
        question = super().asked()
        if not self.joint:
            del question["joint"]
        for override in question["features"]["override"].values():
            for key in ("missing", "learned", "categories"):
                if not override[key] and override[key] is not False:
                    del override[key]
        if not self.segments:
            del question["segments"], question["scoring"]["max_segments"]
        for key in ("time", "learned", "alarms"):
            if not question[key]:
                del question[key]
        for side in ("reference", "current"):
            question[side] = getattr(self, side).asked()
        return question
