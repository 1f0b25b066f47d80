"""What a comparison of two models on the same rows is asked to do; read as a monitor's file is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from kldrift.config import read as monitor
from kldrift.config.model import (
    NO_QUESTION,
    SCANS,
    Dataset,
    Expectations,
    Output,
    Scan,
    Significance,
    Spark,
    Threshold,
    default_thresholds,
    name_problems,
    threshold_problems,
    under,
    unstated,
)
from kldrift.config.problems import ImpossibleConfigError, Problem, Problems, found
from kldrift.config.section import Section
from kldrift.config.segments import read_segments, segment_problems

Inputs = Literal["logits", "probabilities"]

INPUTS: Final[tuple[Inputs, ...]] = ("logits", "probabilities")
UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}
LENGTH: Final = re.compile(r"([1-9][0-9]{0,3})([hdw])")


@dataclass(frozen=True)
class Time:
    """The column that says when a row was, and how long a window is."""

    column: str
    window: str

    @property
    def length(self) -> timedelta:
        """How long a window is."""
        match = LENGTH.fullmatch(self.window)
        assert match is not None
        return timedelta(**{UNITS[match[2]]: int(match[1])})

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        if not LENGTH.fullmatch(self.window):
            text = "expected a number of hours, days or weeks, such as 1h, 1d or 2w, got"
            yield ("window",), f"{text} {found(self.window)}"


@dataclass(frozen=True)
class ModelShift:
    """Two models and the rows that both have judged: what to compare and how to judge it.

    Attributes:
        monitor: names the output.
        data: the rows.
        champion: column of the model that is in use.
        challenger: column of the model that may replace it.
        output: where the tables go.
        inputs: whether the columns hold logits or probabilities.
        key: column that names a row, for the worst examples; None for no examples.
        time: windows; None for one window of all rows.
        segments: lists of columns; each list splits the rows by the values of its columns.
        min_rows: fewest compared rows for a score.
        thresholds: of ``kl``, the mean divergence.
        significance: how sure a verdict must be.
        expectations: the Great Expectations project; None for none.
        spark: the session to make where there is none.
        scan: how the rows are read.
        source: the file.
    """

    monitor: str
    data: Dataset
    champion: str
    challenger: str
    output: Output
    inputs: Inputs = "logits"
    key: str | None = None
    time: Time | None = None
    segments: tuple[tuple[str, ...], ...] = ()
    min_rows: int = 30
    thresholds: dict[str, Threshold] = field(default_factory=default_thresholds)
    significance: Significance = field(default_factory=Significance)
    expectations: Expectations | None = None
    spark: Spark = field(default_factory=Spark)
    scan: Scan = "auto"
    source: Path | None = None

    def __post_init__(self) -> None:
        problems = tuple(self.problems())
        if problems:
            raise ImpossibleConfigError(problems, source=str(self.source or "configuration"))

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        yield from under("monitor", name_problems(self.monitor))
        yield from under("data", self.data.problems())
        if self.champion == self.challenger:
            yield ("challenger",), f"expected another column than champion, got {self.champion!r}"
        if self.time is not None:
            yield from under("time", self.time.problems())
        if self.min_rows < 2:
            yield ("min_rows",), f"expected 2 or more, got {found(self.min_rows)}"
        yield from under("segments", segment_problems(self.segments))
        yield from under("thresholds", threshold_problems(self.thresholds))
        yield from under("thresholds", unstated(self.thresholds))
        for metric in self.thresholds:
            if metric != "kl":
                yield ("thresholds", metric), "model shift is judged by kl only; remove it"
        yield from under("significance", self.significance.problems())

    @property
    def feature(self) -> str:
        """What the tables call the comparison."""
        return f"{self.challenger} vs {self.champion}"

    @property
    def config_hash(self) -> str:
        """16 hexadecimal digits that are equal where two configurations ask the same question."""
        question = {key: value for key, value in asdict(self).items() if key not in NO_QUESTION}
        del question["data"]["filesystem"]  # how the rows are read
        canonical = json.dumps(question, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def read_model_shift(
    values: object, *, source: Path | None, base: Path, problems: Problems
) -> ModelShift:
    """Read a whole configuration; see :func:`kldrift.config.read.read_config`.

    Raises:
        ConfigError: with everything that is wrong, one problem per line.
    """
    keys = [f.name for f in fields(ModelShift) if f.name != "source"]
    top = Section(values, (), problems, keys=keys)
    place = monitor.Placing(base.absolute())
    output = monitor.output(top, place)
    thresholds = default_thresholds()
    if top.value("thresholds") is not None:
        thresholds = monitor.thresholds(top, {})
    try:
        config = ModelShift(
            monitor=top.required_text("monitor"),
            data=monitor.dataset(top, "data", place),
            champion=top.required_text("champion"),
            challenger=top.required_text("challenger"),
            output=output,
            inputs=top.word("inputs", INPUTS, "logits"),
            key=top.text("key"),
            time=_time(top),
            segments=read_segments(top),
            min_rows=top.whole("min_rows", 30),
            thresholds=thresholds,
            significance=monitor.significance(top),
            expectations=monitor.expectations(top, output, place),
            spark=monitor.spark(top),
            scan=top.word("scan", SCANS, "auto"),
            source=source,
        )
    except ImpossibleConfigError as error:
        for path, text in error.problems:
            problems.add_rule(path, text)
        problems.report()
    problems.raise_any()
    return config


def _time(top: Section) -> Time | None:
    if top.value("time") is None:
        return None
    section = Section(top.value("time"), top.at("time"), top.problems, keys=("column", "window"))
    return Time(section.required_text("column"), section.required_text("window"))
