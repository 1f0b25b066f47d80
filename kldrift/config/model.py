"""What a monitor is asked to do: frozen dataclasses, named as the keys of the YAML file.

Types are the reader's business (``kldrift.config.read``); which values make sense together stands
here, so that a ``Config`` that exists, also one built in Python, can be run.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Literal

from kldrift.config.problems import ImpossibleConfigError, Problem, found, nearest
from kldrift.config.segments import Segments, segment_problems

Kind = Literal["numeric", "categorical"]
Part = Literal["hour", "weekday", "month", "whole"]
Missing = Literal["cell", "exclude"]
Correction = Literal["benjamini-hochberg", "none"]
Covariance = Literal["full", "diagonal"]
Scan = Literal["auto", "arrow", "dataframe"]

KINDS: Final[tuple[Kind, ...]] = ("numeric", "categorical")
PARTS: Final[tuple[Part, ...]] = ("hour", "weekday", "month", "whole")
MISSING: Final[tuple[Missing, ...]] = ("cell", "exclude")
CORRECTIONS: Final[tuple[Correction, ...]] = ("benjamini-hochberg", "none")
COVARIANCES: Final[tuple[Covariance, ...]] = ("full", "diagonal")
SCANS: Final[tuple[Scan, ...]] = ("auto", "arrow", "dataframe")
OUTPUT_FORMATS: Final = ("parquet",)
METRICS: Final = (
    "kl",
    "kl_reverse",
    "js",
    "psi",
    "hellinger",
    "total_variation",
    "wasserstein",
    "ks",
    "gaussian_kl",
)
"""Columns of ``drift_scores`` that a threshold can be set on."""
JOINT_METRICS: Final = ("kl", "gaussian_kl")
"""Those that a joint group has."""

MOST_SEGMENTS: Final = 10_000
"""Of one list of columns; more nobody reads."""
MONITOR_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Dataset:
    """Where rows come from: files, a table of the catalog, or a query; exactly one of the three."""

    path: tuple[str, ...] = ()
    table: str | None = None
    sql: str | None = None
    format: str = "parquet"
    options: dict[str, str] = field(default_factory=dict)
    where: str | None = None
    schema: str | None = None
    filesystem: dict[str, str] = field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        given = [key for key in ("path", "table", "sql") if getattr(self, key)]
        if len(given) != 1:
            text = (
                f"expected exactly one of path, table and sql, got {' and '.join(given) or 'none'}"
            )
            yield (), text
        if self.schema is not None and not self.path:
            yield ("schema",), "goes with path only; a table or a query has its own schema"
        if self.options and self.sql is not None:
            yield ("options",), "go with path or table; a query takes none"
        if self.filesystem and not self.path:
            yield ("filesystem",), "goes with path only"
        for name in self.filesystem:
            if any(word in name.lower() for word in _SECRET):
                # Its value is not shown: it would be in every log.
                text = "credentials are taken from the environment, not from the configuration"
                yield ("filesystem", name), text


@dataclass(frozen=True)
class Threshold:
    """Scores above these are a warning or critical; ``None`` judges nothing at that level."""

    warning: float | None = None
    critical: float | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        for key, value in (("warning", self.warning), ("critical", self.critical)):
            if value is not None and not 0 <= value < math.inf:
                yield (key,), f"expected a finite number, 0 or more, got {found(value)}"
        if self.warning is not None and self.critical is not None and self.warning > self.critical:
            text = f"expected at most critical ({found(self.critical)}), got {found(self.warning)}"
            yield ("warning",), text


@dataclass(frozen=True)
class Override:
    """What is different for one feature; the rest is as for all features."""

    kind: Kind | None = None
    parts: tuple[Part, ...] = ()
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    keep: bool = False

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        if len(set(self.parts)) != len(self.parts):
            yield ("parts",), f"expected each part once, got {', '.join(self.parts)}"
        yield from under("thresholds", threshold_problems(self.thresholds))


@dataclass(frozen=True)
class Features:
    """Which columns are monitored, and as what."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    derived: dict[str, str] = field(default_factory=dict)
    override: dict[str, Override] = field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        if not self.include and not self.derived:
            yield ("include",), 'expected one pattern or more, such as "*"'
        for feature, override in self.override.items():
            yield from under("override", under(feature, override.problems()))


@dataclass(frozen=True)
class Joint:
    """A group of numeric features, or one column of vectors, that is scored as a whole."""

    features: tuple[str, ...] = ()
    covariance: Covariance | None = None
    ridge: float = 0.0
    thresholds: dict[str, Threshold] = field(default_factory=dict)

    def covariance_of(self, *, vector: bool) -> Covariance:
        """What is asked for; by default full for features and diagonal for vectors."""
        return self.covariance or ("diagonal" if vector else "full")

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        if not self.features:
            yield ("features",), "expected two numeric features or more, or one column of vectors"
        if len(set(self.features)) != len(self.features):
            yield ("features",), f"expected each feature once, got {', '.join(self.features)}"
        if not 0 <= self.ridge < math.inf:
            yield ("ridge",), f"expected a finite number, 0 or more, got {found(self.ridge)}"
        yield from under("thresholds", threshold_problems(self.thresholds))
        for metric in self.thresholds:
            if metric in METRICS and metric not in JOINT_METRICS:
                text = f"expected one of {', '.join(JOINT_METRICS)}: a group has no other score"
                yield ("thresholds", metric), text


@dataclass(frozen=True)
class Scoring:
    """How counts become scores."""

    bins: int = 20
    stored_bins: int = 128
    max_categories: int = 1000
    pseudocount: float = 0.5
    missing: Missing = "cell"
    min_rows: int = 2
    max_segments: int = 1000

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        for key, least in (("bins", 2), ("max_categories", 1), ("min_rows", 1)):
            if getattr(self, key) < least:
                yield (key,), f"expected {least} or more, got {found(getattr(self, key))}"
        if not 1 <= self.max_segments <= MOST_SEGMENTS:
            text = f"expected 1 to {MOST_SEGMENTS}, got {found(self.max_segments)}"
            yield ("max_segments",), text
        if self.stored_bins < max(self.bins, 2):
            text = f"expected at least bins ({max(self.bins, 2)}), got {found(self.stored_bins)}"
            yield ("stored_bins",), text
        if not 0 <= self.pseudocount < math.inf:
            text = f"expected a finite number, 0 or more, got {found(self.pseudocount)}"
            yield ("pseudocount",), text


@dataclass(frozen=True)
class Significance:
    """How sure a verdict must be that a score is more than chance."""

    alpha: float = 0.01
    correction: Correction = "benjamini-hochberg"

    def problems(self) -> Iterator[Problem]:
        """Yield what no run could do."""
        if not 0 < self.alpha < 1:
            yield ("alpha",), f"expected a number between 0 and 1, got {found(self.alpha)}"


@dataclass(frozen=True)
class Output:
    """Where the tables go: an absolute path or a URI."""

    path: str
    format: str = "parquet"


@dataclass(frozen=True)
class Expectations:
    """Where the Great Expectations project is, and whether its Data Docs are built."""

    path: str
    data_docs: bool = True


@dataclass(frozen=True)
class Spark:
    """The session to make where there is none yet."""

    master: str | None = None
    conf: dict[str, str] = field(default_factory=dict)


def default_thresholds() -> dict[str, Threshold]:
    """Return the thresholds of a monitor that states none."""
    return {"kl": Threshold(warning=0.1, critical=0.25)}


@dataclass(frozen=True)
class Config:
    """One monitor: what to compare, how to score and judge it, where to write."""

    monitor: str
    reference: Dataset
    current: Dataset
    output: Output
    features: Features = field(default_factory=Features)
    joint: dict[str, Joint] = field(default_factory=dict)
    segments: Segments = ()
    scoring: Scoring = field(default_factory=Scoring)
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
        yield from under("reference", self.reference.problems())
        yield from under("current", self.current.problems())
        yield from under("features", self.features.problems())
        for name, joint in self.joint.items():
            yield from under("joint", under(name, joint.problems()))
        yield from under("segments", segment_problems(self.segments))
        yield from under("scoring", self.scoring.problems())
        yield from under("thresholds", threshold_problems(self.thresholds))
        yield from under("thresholds", unstated(self.thresholds))
        yield from under("significance", self.significance.problems())

    def thresholds_of(self, feature: str) -> dict[str, Threshold]:
        """Return the thresholds that judge a feature: its own, then those of all features."""
        override = self.features.override.get(feature, Override())
        return {**self.thresholds, **override.thresholds}

    @property
    def config_hash(self) -> str:
        """16 hexadecimal digits that are equal where two configurations ask the same question.

        How the rows are read, where results go and what the session is called change no number,
        so ``scan``, ``output``, ``expectations``, ``spark``, the file's name and the datasets'
        ``filesystem`` are left out.
        """
        question = {key: value for key, value in asdict(self).items() if key not in NO_QUESTION}
        if not self.joint:
            del question["joint"]  # a key that came later asks nothing until it is stated
        if not self.segments:
            del question["segments"], question["scoring"]["max_segments"]
        for side in ("reference", "current"):
            del question[side]["filesystem"]
        canonical = json.dumps(question, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


_SECRET: Final = (
    "access",
    "auth",
    "connection_string",
    "credential",
    "key",
    "password",
    "sas_",
    "secret",
    "token",
)
"""What names of options for filesystems have in them that hold a secret."""
NO_QUESTION: Final = ("output", "expectations", "spark", "scan", "source")


def under(key: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield problems with a key before their paths."""
    for path, text in problems:
        yield (key, *path), text


def name_problems(monitor: str) -> Iterator[Problem]:
    """Yield why a monitor cannot be called so."""
    if not MONITOR_NAME.fullmatch(monitor):
        text = (
            "expected 1 to 100 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        )
        yield (), f"{text}, got {found(monitor)}"
    elif ".." in monitor:
        yield (), f"expected no '..', which would leave the output folder, got {found(monitor)}"
    elif "profiling" in monitor:
        text = "expected a name without 'profiling': Data Docs do not list the runs of such a name"
        yield (), f"{text}; got {found(monitor)}"


def threshold_problems(thresholds: dict[str, Threshold]) -> Iterator[Problem]:
    """Yield what is wrong with thresholds."""
    for metric, threshold in thresholds.items():
        if metric not in METRICS:
            yield (metric,), f"unknown metric{nearest(metric, METRICS)}"
        yield from under(metric, threshold.problems())


def unstated(thresholds: dict[str, Threshold]) -> Iterator[Problem]:
    """Yield the thresholds that judge nothing, where none is inherited."""
    for metric, threshold in thresholds.items():
        if threshold == Threshold():
            yield (metric,), "expected a number for warning, critical or both"
