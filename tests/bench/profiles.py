"""A dataset's profile as a run makes it, one scan at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from kldrift.binning.choose import Binning
from kldrift.binning.freeze import freeze
from kldrift.config import Features
from kldrift.execution.programs import CountProgram
from kldrift.execution.spark_stages import count, propose
from kldrift.features.feature import Feature
from kldrift.features.plan import plan_features
from kldrift.profiles.support import Support
from kldrift.sources.dataset import Source
from kldrift.sources.open import frame_source
from kldrift.sources.parquet.footer_summary import read_footers
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.parquet.source import ArrowSource

BINNING = Binning()


def arrow(path: Path) -> ArrowSource:
    """Parquet files, read with Arrow in the tasks."""
    return ArrowSource(read_footers(list_files([str(path)])))


def frame(spark: SparkSession, path: Path) -> Source:
    """The same files, read by Spark and sent to the tasks' Python."""
    return frame_source(spark.read.parquet(str(path)), {}, "benchmark")


def features_of(source: Source) -> tuple[Feature, ...]:
    """The features that a run without options would monitor."""
    return tuple(plan_features(source.schema, Features()).features)


def collect(found: DataFrame) -> list[object]:
    """Run a scan."""
    return list(found.collect())


@dataclass(frozen=True)
class Scans:
    """The scans of one source."""

    spark: SparkSession
    source: Source

    def propose(self) -> object:
        """Sketch every feature and propose supports."""
        return propose(self.spark, self.source, features_of(self.source), BINNING, collect)

    def frozen(self) -> tuple[tuple[Feature, ...], tuple[Support, ...]]:
        """The features and their supports as the first two scans of a run freeze them."""
        features = features_of(self.source)
        proposals = propose(self.spark, self.source, features, BINNING, collect)
        pairs = [(f, p) for f, p in zip(features, proposals, strict=True) if not p.skip]
        features = tuple(f for f, _ in pairs)
        program = CountProgram(features, tuple(p.support for _, p in pairs))
        counted, *_ = count(self.spark, self.source, program, collect)
        return features, tuple(
            freeze(p, profile.counts[0]).support
            for (_, p), profile in zip(pairs, counted, strict=True)
        )

    def count(self, features: tuple[Feature, ...], supports: tuple[Support, ...]) -> object:
        """Count every feature on a support that is known."""
        return count(self.spark, self.source, CountProgram(features, supports), collect)
