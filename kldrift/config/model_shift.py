"""The configuration of a model shift, read as a monitor's is."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from kldrift.config.dataset import ONLY_REFERENCE, Dataset
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
    Segments,
    Text,
    Thresholds,
    Whole,
    all_stated,
    refuse,
    wrong,
)
from kldrift.scoring.metrics import DEFAULT_KL, Threshold

Inputs = Literal["logits", "probabilities"]


@checked
class ModelShift(Question):
    """Two models and the rows that both have judged: what to compare and how to judge it.

    What has no description is as of a monitor.
    """

    monitor: MonitorName
    data: Dataset
    """The rows that both models have judged: a dataset as `current` of
    [a monitor](configuration.md). Example: `{path: judged.parquet}`"""
    champion: Text
    """Column of the model that is in use: arrays of float or double. Example: `old`"""
    challenger: Text
    """Column of the model that may replace it, on the same rows. Example: `new`"""
    output: Output
    inputs: Inputs = "logits"
    """What the two columns hold, `logits` or `probabilities`; a row of probabilities is scaled to
    add up to 1, and may be off by 0.001. Example: `probabilities`"""
    key: Text | None = None
    """Column that names a row, for the worst rows. Example: `id`"""
    time: Time | None = None
    """Windows of hours (`1h`), days, weeks (`1w`, from Monday) or months, in UTC unless `zone` is
    stated. Example: `{column: judged_at, window: 1d}`"""
    segments: Segments = ()
    """Lists of columns, each of which splits the rows by the values of its columns; at most 10,000
    groups a run. Example: `[[sex], [sex, race]]`"""
    min_rows: Whole = field(default=30, metadata={"ge": 2})
    """Fewest compared rows for a score. Example: `100`"""
    thresholds: Thresholds = field(default_factory=lambda: dict(DEFAULT_KL))
    """Mean divergences, in nats, above which a segment is a warning or critical; only `kl`.
    Example: `{kl: {critical: 0.1}}`"""
    significance: Significance = field(default_factory=Significance)
    expectations: Expectations | None = None
    report: Report | None = None
    """The report that a run writes when it has ended. Example: `{path: drift/models.html}`"""
    spark: Spark = field(default_factory=Spark)
    scan: Scan = "auto"
    source: Path | None = None

    _sections = empty_sections("data", "output", "significance", "spark")
    _stated = field_validator("thresholds")(all_stated)

    @field_validator("data")
    @classmethod
    def _rows(cls, data: Dataset) -> Dataset:
        refuse(
            ((key,), "goes with a monitor's reference only")
            for key, name in ONLY_REFERENCE.items()
            if getattr(data, name)
        )
        return data

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
        """Return the settings that results depend on, without how the rows are read."""
        question = super().asked()
        return {**question, "data": self.data.asked()}
