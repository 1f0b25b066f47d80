"""The values of a source as a task reads them."""

from __future__ import annotations

from kldrift.config import Features
from kldrift.execution.programs import SketchProgram
from kldrift.features.plan import plan_features
from kldrift.sources.parquet.source import ArrowSource


def values_of(source: ArrowSource, wanted: Features | None = None) -> dict[str, list[object]]:
    """All values of a source, by feature."""
    features = plan_features(source.schema, wanted or Features()).features
    values: dict[str, list[object]] = {f.name: [] for f in features}
    for batch in source.reader(SketchProgram(features)).batches(source.footers.pieces):
        for number, (column,) in batch.sets:
            values[features[number].name] += column.to_pylist()
    return values
