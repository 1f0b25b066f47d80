"""What a monitor is asked to do: frozen dataclasses, named as the keys of the YAML file.

A key is one line: its type, its default, what it means and an example. What is checked, the JSON
schema and the tables of the documentation follow from it (``python -m kldrift.config``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import GetJsonSchemaHandler, ValidationInfo, field_validator, model_validator

from kldrift.config.dataset import Dataset
from kldrift.config.problems import found
from kldrift.config.question import (
    MONITOR,
    SCAN,
    Expectations,
    MonitorName,
    Output,
    Question,
    Scan,
    Significance,
    Spark,
    checked,
    empty_sections,
    stated_level,
)
from kldrift.config.values import (
    Filled,
    Name,
    Number,
    Segments,
    Text,
    Thresholds,
    Whole,
    about,
    all_stated,
    default_thresholds,
    refuse,
    wrong,
)
from kldrift.features.wanted import Choice
from kldrift.scoring.metrics import JOINT_METRICS, METRICS, Threshold

Missing = Literal["cell", "exclude"]
Covariance = Literal["full", "diagonal"]

MOST_SEGMENTS: Final = 10_000
"""Of one list of columns; more nobody reads."""


@dataclass(frozen=True)
class Override(Choice):
    """What is different for one feature; the rest is as for all features."""

    thresholds: Thresholds = field(
        default_factory=dict,
        metadata=about(
            "Thresholds of this feature. A metric or level that is not stated is as for all "
            "features; `null` judges nothing.",
            {"kl": {"warning": 0.05}},
        ),
    )

    @field_validator("parts")
    @classmethod
    def _parts(cls, parts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(parts)) != len(parts):
            raise wrong(f"expected each part once, got {', '.join(parts)}")
        return parts


@dataclass(frozen=True)
class Features:
    """Which columns are monitored, and as what."""

    include: tuple[Text, ...] = field(
        default=("*",),
        metadata=about("Names or patterns of the columns to monitor.", ["fare_amount", "tip*"]),
    )
    exclude: tuple[Text, ...] = field(
        default=(),
        metadata=about(
            "Names or patterns of columns to leave out; wins over `include`.", ["trip_id", "*_raw"]
        ),
    )
    derived: Annotated[dict[Name, Text], Filled] = field(
        default_factory=dict,
        metadata=about(
            "More features: a name, and the Spark SQL expression that computes it.",
            {"tip_share": "tip_amount / total_amount"},
        ),
    )
    override: Annotated[dict[Name, Annotated[Override, Filled]], Filled] = field(
        default_factory=dict,
        metadata=about(
            "What is different for one feature.", {"payment_type": {"kind": "categorical"}}
        ),
    )

    @model_validator(mode="after")
    def _some(self) -> Features:
        if not self.include and not self.derived:
            refuse([(("include",), 'expected one pattern or more, such as "*"')])
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Ask for a derived feature where no column is one."""
        node: dict[str, Any] = handler.resolve_ref_schema(handler(core))
        some = {"type": "object", "minProperties": 1}
        node["if"] = {"properties": {"include": {"maxItems": 0}}, "required": ["include"]}
        node["then"] = {"properties": {"derived": some}, "required": ["derived"]}
        return node


@dataclass(frozen=True)
class Joint:
    """A group of numeric features, or one column of vectors, that is scored as a whole."""

    features: tuple[Text, ...] = field(
        default=(),
        metadata=about(
            "Two numeric features or more, or one column of vectors.",
            ["temp", "hum"],
            validate_default=True,
            json_schema_extra={"uniqueItems": True},
        ),
    )
    covariance: Covariance | None = field(
        default=None,
        metadata=about(
            "`diagonal` leaves dependence out. Without it, `full` for features and `diagonal` for "
            "vectors.",
            "diagonal",
        ),
    )
    ridge: Number = field(
        default=0.0,
        metadata=about(
            "Share of each feature's reference variance that is added to both covariances, for "
            "features that nearly determine each other.",
            1e-6,
            ge=0.0,
            allow_inf_nan=False,
        ),
    )
    thresholds: Thresholds = field(
        default_factory=dict,
        metadata=about(
            "Thresholds of this group, on `kl` or `gaussian_kl`; what is not stated is as for all "
            "features.",
            {"kl": {"warning": 0.2}},
        ),
    )

    def covariance_of(self, *, vector: bool) -> Covariance:
        """What is asked for; by default full for features and diagonal for vectors."""
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

    bins: Whole = field(
        default=20,
        metadata=about(
            "Cells of a numeric feature for scoring, of about equal reference mass.", 40, ge=2
        ),
    )
    stored_bins: Whole = field(
        default=128,
        metadata=about(
            "Cells of a numeric feature that are counted and stored; at least `bins`.",
            256,
            json_schema_extra={"minimum": 2},
        ),
    )
    max_categories: Whole = field(
        default=1000,
        metadata=about(
            "Categories with a cell of their own; the rest is one cell, `other`, with its exact "
            "mass. Where there are more, those with fewer than 20 rows are in `other` too: which "
            "of them are the most frequent is chance.",
            200,
            ge=1,
        ),
    )
    pseudocount: Number = field(
        default=0.5,
        metadata=about(
            "Added to every cell on both sides before counts become probabilities.",
            1.0,
            ge=0.0,
            allow_inf_nan=False,
        ),
    )
    missing: Missing = field(
        default="cell",
        metadata=about(
            "Missing values are a cell like any other, or are left out of the score.", "exclude"
        ),
    )
    min_rows: Whole = field(
        default=2,
        metadata=about(
            "Rows that both sides need for a score; with fewer, the feature is `unscored`.",
            100,
            ge=1,
        ),
    )
    max_segments: Whole = field(
        default=1000,
        metadata=about(
            "Segments of each list of `segments` that are scored: the most frequent of the "
            "reference. Where there are more, those with fewer than 20 rows are not scored either.",
            200,
            ge=1,
            le=MOST_SEGMENTS,
        ),
    )

    @field_validator("stored_bins")
    @classmethod
    def _stored_bins(cls, stored: int, info: ValidationInfo) -> int:
        least = max(info.data.get("bins", 2), 2)
        if stored < least:
            raise wrong(f"expected at least bins ({least}), got {found(stored)}")
        return stored


@checked
class Config(Question):
    """One monitor: what to compare, how to score and judge it, where to write."""

    monitor: MonitorName = field(metadata=MONITOR)
    reference: Dataset = field(
        metadata=about("The rows that later ones are compared with.", {"path": "ref.parquet"})
    )
    current: Dataset = field(metadata=about("The rows to judge.", {"path": "cur.parquet"}))
    output: Output = field(metadata=about("", {"path": "drift"}))
    features: Features = field(
        default_factory=Features, metadata=about("", {"exclude": ["trip_id"]})
    )
    joint: Annotated[dict[Name, Annotated[Joint, Filled]], Filled] = field(
        default_factory=dict,
        metadata=about(
            "Groups of numeric features, or columns of vectors, that are scored together as well.",
            {"weather": {"features": ["temp", "hum"]}},
        ),
    )
    segments: Segments = field(
        default=(),
        metadata=about(
            "Lists of columns of plain values (no structs, arrays or bytes), which need not be "
            "features, or of derived features; each splits the rows by the values of its columns.",
            [["payment_type"], ["vendor_id", "rate_code_id"]],
        ),
    )
    scoring: Scoring = field(default_factory=Scoring, metadata=about("", {"bins": 40}))
    thresholds: Thresholds = field(
        default_factory=default_thresholds,
        metadata=about(
            "What score is a warning or critical, by metric.",
            {"js": {"critical": 0.1}},
            json_schema_extra=stated_level,
        ),
    )
    significance: Significance = field(
        default_factory=Significance, metadata=about("", {"alpha": 0.05})
    )
    expectations: Expectations | None = field(default=None, metadata=about("", False))
    spark: Spark = field(default_factory=Spark, metadata=about("", {"master": "local[4]"}))
    scan: Scan = field(default="auto", metadata=SCAN)
    source: Path | None = None

    _sections = empty_sections(
        "reference", "current", "output", "features", "scoring", "significance", "spark"
    )
    _stated = field_validator("thresholds")(all_stated)

    def thresholds_of(self, feature: str) -> dict[str, Threshold]:
        """Return the thresholds that judge a feature: its own, then those of all features."""
        override = self.features.override.get(feature, Override())
        return {**self.thresholds, **override.thresholds}

    def asked(self) -> dict[str, Any]:
        """Return what is asked; a key that came later asks nothing until it is stated."""
        question = super().asked()
        if not self.joint:
            del question["joint"]
        if not self.segments:
            del question["segments"], question["scoring"]["max_segments"]
        for side in ("reference", "current"):
            del question[side]["filesystem"]
        return question
