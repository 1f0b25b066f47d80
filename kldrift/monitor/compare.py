"""Compare two data sets from Python: pandas, Arrow or Spark in, scores out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from kldrift.config import Config, config_from_mapping
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.plan import make_plan
from kldrift.monitor.rows import cell_table, score_table
from kldrift.monitor.stages import Findings
from kldrift.reporting.result import Result
from kldrift.scoring.verdict import Verdicts
from kldrift.sources.table import TableSource
from kldrift.tables.stamp import Stamp
from kldrift.tables.window import Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def compare(  # noqa: PLR0913 - all but the data have a default
    reference: pd.DataFrame | pa.Table | pa.RecordBatch | DataFrame,
    current: pd.DataFrame | pa.Table | pa.RecordBatch | DataFrame,
    *,
    include: Sequence[str] = ("*",),
    exclude: Sequence[str] = (),
    override: Mapping[str, Any] | None = None,
    derived: Mapping[str, str] | None = None,
    joint: Mapping[str, Any] | None = None,
    segments: Sequence[Sequence[str]] = (),
    thresholds: Mapping[str, Mapping[str, float]] | None = None,
    alpha: float = 0.01,
    **scoring: Any,
) -> Result:
    """Tell which features of ``current`` no longer look like ``reference``.

    Arrow and pandas data are compared in this process, without Spark; Spark DataFrames on the
    cluster, in three scans. The numbers are the same.

    Args:
        reference: a pandas frame, an Arrow table or record batch, or a Spark DataFrame.
        current: of the same kind as the reference.
        include: patterns of columns or features to compare.
        exclude: patterns of those to leave out.
        override: feature to ``kind``, ``parts``, ``thresholds``, ``keep``, as in the configuration.
        derived: name to Spark SQL; for Spark DataFrames only.
        joint: group to ``features``, ``covariance``, ``ridge``, ``thresholds``, as in the
            configuration; or simply to a list of features.
        segments: lists of columns; each feature is also scored for each combination of values of
            the columns of a list. ``max_segments`` says how many of them at most.
        thresholds: metric to ``warning`` and ``critical``; by default those of the configuration.
        alpha: largest false discovery rate of a verdict.
        **scoring: ``bins``, ``stored_bins``, ``max_categories``, ``pseudocount``, ``missing``,
            ``min_rows``, ``max_segments``, as in the configuration.

    Returns:
        A result with ``.scores`` and ``.cells`` (pandas frames with the columns of
        ``drift_scores`` and ``drift_cells``), ``.worst()`` and ``.to_html()``; it shows itself in
        a notebook. Scores are in nats where the metric has that unit.

    Raises:
        ConfigError: an option is wrong, or names a column that is not there.
        TypeError: the data is of another kind, or of two kinds.

    Examples:
        >>> import pandas as pd
        >>> reference = pd.DataFrame({"x": [1, 1, 1, 1, 1, 2, 3, 3, 3, 3]})
        >>> current = pd.DataFrame({"x": [1, 1, 2, 2, 3]})
        >>> result = compare(reference, current, pseudocount=0)
        >>> round(float(result.scores["kl"][0]), 4)
        0.3266
    """
    mapping: dict[str, Any] = {
        "monitor": "compare",
        "reference": {"sql": "reference"},
        "current": {"sql": "current"},
        "features": {
            "include": list(include),
            "exclude": list(exclude),
            "override": dict(override or {}),
            "derived": dict(derived or {}),
        },
        "joint": {
            name: dict(g) if isinstance(g, Mapping) else {"features": list(g)}
            for name, g in (joint or {}).items()
        },
        "segments": [list(columns) for columns in segments],
        "scoring": scoring,
        "significance": {"alpha": alpha},
        "output": {"path": "none"},
        "expectations": False,
    }
    if thresholds is not None:
        mapping["thresholds"] = {metric: dict(t) for metric, t in thresholds.items()}
    config = config_from_mapping(mapping)
    if _is_spark(reference) and _is_spark(current):
        findings, verdicts = _on_spark(config, reference, current)
    else:
        if derived:
            raise TypeError("derived features are Spark SQL: they need Spark DataFrames")
        sources = TableSource(_table(reference)), TableSource(_table(current))
        plan, engine = make_plan(config, *sources), MemoryEngine(*sources)
        findings, verdicts = compare_plan(plan, engine, SILENT)
    reference_id = findings.reference.reference_id
    stamp = Stamp("compare", "compare", Window(None, None), reference_id, config.config_hash)
    scores = score_table(verdicts, stamp).to_pandas()
    return Result(scores=scores, cells=cell_table(verdicts, stamp).to_pandas())


def _is_spark(data: Any) -> bool:
    return type(data).__module__.startswith("pyspark.sql")


def _table(data: Any) -> pa.Table:
    if isinstance(data, pd.DataFrame):
        return pa.Table.from_pandas(data, preserve_index=False)
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, pa.Table):
        return data
    raise TypeError(
        "reference and current must both be pandas frames, Arrow tables or Spark DataFrames, "
        f"got {type(data).__name__}"
    )


def _on_spark(
    config: Config, reference: DataFrame, current: DataFrame
) -> tuple[Findings, Verdicts]:
    from kldrift.execution.engine import SparkEngine  # noqa: PLC0415
    from kldrift.sources.open import frame_source  # noqa: PLC0415 - only now is Spark needed

    derived = config.features.derived
    sides = [frame_source(f, derived, "a Spark DataFrame") for f in (reference, current)]
    engine = SparkEngine(reference.sparkSession, sides[0], sides[1], SILENT)
    return compare_plan(make_plan(config, sides[0], sides[1]), engine, SILENT)
