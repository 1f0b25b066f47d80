"""What a comparison of two models on the same rows is asked to do; read as a monitor's file is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema, field_validator

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
from kldrift.scoring.metrics import Threshold

Inputs = Literal["logits", "probabilities"]

UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}
LENGTH: Final = re.compile(r"([1-9][0-9]{0,3})([hdw])")


def _window(length: str) -> str:
    if not LENGTH.fullmatch(length):
        text = "expected a number of hours, days or weeks, such as 1h, 1d or 2w, got"
        raise wrong(f"{text} {found(length)}")
    return length


Window = Annotated[
    Text,
    AfterValidator(_window),
    WithJsonSchema({"type": "string", "pattern": f"^{LENGTH.pattern}$"}),
]


@dataclass(frozen=True)
class Time:
    """The column that says when a row was, and how long a window is."""

    column: Text = field(
        metadata=about("A timestamp or date; without a time zone it is UTC.", "judged_at")
    )
    window: Window = field(metadata=about("Hours, days or weeks, such as 1h, 1d or 1w.", "1d"))

    @property
    def length(self) -> timedelta:
        """How long a window is."""
        match = LENGTH.fullmatch(self.window)
        assert match is not None
        return timedelta(**{UNITS[match[2]]: int(match[1])})


def _only_kl(node: dict[str, Any]) -> None:
    stated_level(node)
    node["propertyNames"] = {"enum": ["kl"]}


@checked
class ModelShift(Question):
    """Two models and the rows that both have judged: what to compare and how to judge it."""

    monitor: MonitorName = field(metadata=MONITOR)
    data: Dataset = field(
        metadata=about(
            "The rows that both models have judged: a dataset as `current` of "
            "[a monitor](configuration.md)."
        )
    )
    champion: Text = field(
        metadata=about("Column of the model that is in use: arrays of float or double.")
    )
    challenger: Text = field(
        metadata=about("Column of the model that may replace it, on the same rows.")
    )
    output: Output = field(metadata=about("", {"path": "drift"}))
    inputs: Inputs = field(
        default="logits",
        metadata=about(
            "What the two columns hold, `logits` or `probabilities`; a row of probabilities is "
            "scaled to add up to 1, and may be off by 0.001."
        ),
    )
    key: Text | None = field(
        default=None, metadata=about("Column that names a row, for the worst rows.")
    )
    time: Time | None = field(
        default=None,
        metadata=about(
            "`{column: ..., window: 1d}`: windows of hours (`1h`), days or weeks (`1w`, from "
            "Monday), in UTC."
        ),
    )
    segments: Segments = field(
        default=(),
        metadata=about(
            "Lists of columns, such as `[[sex], [sex, race]]`; each splits the rows by the values "
            "of its columns; at most 10,000 groups a run."
        ),
    )
    min_rows: Whole = field(default=30, metadata=about("Fewest compared rows for a score.", ge=2))
    thresholds: Thresholds = field(
        default_factory=default_thresholds,
        metadata=about(
            "Mean divergences, in nats, above which a segment is a warning or critical; only `kl`.",
            json_schema_extra=_only_kl,
        ),
    )
    significance: Significance = field(
        default_factory=Significance, metadata=about("", {"alpha": 0.05})
    )
    expectations: Expectations | None = field(default=None, metadata=about("", False))
    spark: Spark = field(default_factory=Spark, metadata=about("", {"master": "local[4]"}))
    scan: Scan = field(default="auto", metadata=SCAN)
    source: Path | None = None

    _sections = empty_sections("data", "output", "significance", "spark")
    _stated = field_validator("thresholds")(all_stated)

    @field_validator("challenger")
    @classmethod
    def _another(cls, challenger: str, info: ValidationInfo) -> str:
        if challenger == info.data.get("champion"):
            raise wrong(f"expected another column than champion, got {challenger!r}")
        return challenger

    @field_validator("thresholds")
    @classmethod
    def _of_kl(cls, thresholds: dict[str, Threshold]) -> dict[str, Threshold]:
        text = "model shift is judged by kl only; remove it"
        refuse(((metric,), text) for metric in thresholds if metric != "kl")
        return thresholds

    @property
    def feature(self) -> str:
        """What the tables call the comparison."""
        return f"{self.challenger} vs {self.champion}"

    def asked(self) -> dict[str, Any]:
        """Return what is asked, without how the rows are read."""
        question = super().asked()
        del question["data"]["filesystem"]
        return question
