"""Compare two data sets from Python: pandas, Arrow or Spark in, scores out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Never

import pandas as pd
import pyarrow as pa

from kldrift.config import Config
from kldrift.config.load import config_as_stated
from kldrift.config.problems import nearest
from kldrift.errors import ConfigError, DatasetError, first_line
from kldrift.execution.progress import SILENT
from kldrift.monitor.compare_data import planned
from kldrift.monitor.findings import splits_of
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.notes import notes_of
from kldrift.monitor.rows import cell_table, score_table
from kldrift.reporting.result import Result
from kldrift.tables.stamp import Stamp
from kldrift.tables.window import Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


Names = str | Sequence[str]
"""One name, or several."""


def compare(  # noqa: PLR0913 - all but the data have a default
    reference: pd.DataFrame | pa.Table | pa.RecordBatch | DataFrame,
    current: pd.DataFrame | pa.Table | pa.RecordBatch | DataFrame,
    *,
    include: Names = ("*",),
    exclude: Names = (),
    override: Mapping[str, Any] | None = None,
    derived: Mapping[str, str] | None = None,
    joint: Mapping[str, Names | Mapping[str, Any]] | None = None,
    segments: str | Sequence[Names] = (),
    thresholds: float | Mapping[str, float | Mapping[str, float]] | None = None,
    alpha: float = 0.01,
    bins: int = 20,
    stored_bins: int | None = None,
    max_categories: int = 1000,
    pseudocount: float = 0.5,
    missing: str = "cell",
    min_rows: int = 2,
    max_segments: int = 1000,
    **unknown: Never,
) -> Result:
    """Tell which features of ``current`` no longer look like ``reference``.

    Arrow and pandas data are compared in this process, without Spark; Spark DataFrames on the
    cluster, in three scans. The numbers are the same.

    Args:
        reference: a pandas frame, a table of Arrow or of a library that gives itself to Arrow, such
            as polars, or a Spark DataFrame.
        current: of the same kind as the reference.
        include: patterns of columns or features to compare; a text is one of them, here and below.
        exclude: patterns of those to leave out.
        override: feature to ``kind``, ``parts``, ``thresholds``, ``keep``, as in the configuration.
        derived: name to Spark SQL; for Spark DataFrames only.
        joint: group to ``features``, ``covariance``, ``ridge``, ``thresholds``, as in the
            configuration; or simply to a list of features.
        segments: lists of columns; each feature is also scored for each combination of values of
            the columns of a list. ``max_segments`` says how many of them at most.
        thresholds: metric to ``warning`` and ``critical``, or to a number, which is critical; a
            number alone is that of ``kl``. By default those of the configuration.
        alpha: largest false discovery rate of a verdict.
        bins: cells of a numeric feature, of about equal reference mass.
        stored_bins: cells of a numeric feature that are counted; by default 128.
        max_categories: categories with a cell of their own.
        pseudocount: added to every cell on both sides.
        missing: ``cell`` where missing values are one, or ``exclude``.
        min_rows: rows that both sides need for a score.
        max_segments: segments of each list that are scored.
        **unknown: none; a wrong name is refused with the nearest right one.

    Returns:
        A result with ``.scores`` and ``.cells`` (pandas frames with the columns of
        ``drift_scores`` and ``drift_cells``), ``.skipped`` (columns that were not compared, each
        with the reason), ``.notes``, ``.worst()`` and ``.to_html()``; it shows itself in a
        notebook. Scores are in nats where the metric has that unit.

    Raises:
        ConfigError: an option is wrong, or names a column that is not there.
        DatasetError: a column has no type in Arrow.
        TypeError: the data is of another kind, or of two kinds.

    Examples:
        >>> import pandas as pd
        >>> reference = pd.DataFrame({"x": [1, 1, 1, 1, 1, 2, 3, 3, 3, 3]})
        >>> current = pd.DataFrame({"x": [1, 1, 2, 2, 3]})
        >>> result = compare(reference, current, pseudocount=0)
        >>> round(float(result.scores["kl"][0]), 4)
        0.3266
    """
    for name in unknown:
        raise ConfigError(f"unknown option {name!r}{nearest(name, compare.__kwdefaults__ or {})}")
    scoring: dict[str, object] = {
        "bins": bins,
        "max_categories": max_categories,
        "pseudocount": pseudocount,
        "missing": missing,
        "min_rows": min_rows,
        "max_segments": max_segments,
    }
    if stored_bins is not None:
        scoring["stored_bins"] = stored_bins
    config = config_of(
        {
            "include": include,
            "exclude": exclude,
            "override": {} if override is None else override,
            "derived": {} if derived is None else derived,
        },
        joint={} if joint is None else joint,
        segments=segments,
        thresholds=thresholds,
        alpha=alpha,
        scoring=scoring,
    )
    try:
        plan, engine = planned(config, {"reference": reference, "current": current})
        findings, verdicts = compare_plan(plan, engine, SILENT)
    except pa.ArrowException as error:
        raise DatasetError(f"the data cannot be compared: {first_line(error)}") from error
    reference_id = findings.reference.reference_id
    stamp = Stamp("compare", "compare", Window(None, None), reference_id, config.config_hash)
    return Result(
        score_rows=score_table(verdicts, stamp),
        cell_rows=cell_table(verdicts, stamp),
        skipped=[(s.column, s.reason) for s in (*plan.skipped, *findings.skipped)],
        notes=notes_of(plan, findings, verdicts),
        split_rows=splits_of(plan, findings),
    )


def config_of(
    features: Mapping[str, Any],
    *,
    joint: object,
    segments: object,
    thresholds: object,
    alpha: object,
    scoring: Mapping[str, object],
) -> Config:
    """Check options and make a configuration of them; ``${`` in a name is a part of the name."""
    mapping: dict[str, Any] = {
        "monitor": "compare",
        "reference": {"sql": "reference"},
        "current": {"sql": "current"},
        "features": {
            "include": listed(features["include"]),
            "exclude": listed(features["exclude"]),
            "override": _each(features["override"], _override),
            "derived": as_plain(features["derived"]),
        },
        "joint": _each(joint, _group),
        "segments": _segments(segments),
        "scoring": dict(scoring),
        "significance": {"alpha": alpha},
        "output": {"path": "none"},
        "expectations": False,
    }
    if thresholds is not None:
        mapping["thresholds"] = _thresholds(thresholds)
    return config_as_stated(mapping)


def listed(value: object) -> object:
    """Return a list of names, also of a single one; what is neither is left to be refused.

    Examples:
        >>> listed("age"), listed(("age", "sex")), listed(5)
        (['age'], ['age', 'sex'], 5)
    """
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else value


def as_plain(value: object) -> object:
    """Return mappings of any class as dictionaries, tuples as lists, also inside them."""
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    return [as_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _each(value: object, convert: Any) -> object:
    if isinstance(value, Mapping):
        return {name: convert(item) for name, item in value.items()}
    return value


def _override(value: object) -> object:
    override = as_plain(value)
    if isinstance(override, dict):
        if "parts" in override:
            override["parts"] = listed(override["parts"])
        _set_thresholds(override)
        if "categories" in override:
            override["categories"] = _each(override["categories"], lambda one: _each(one, _levels))
    return override


def _group(value: object) -> object:
    group = as_plain(value) if isinstance(value, Mapping) else {"features": value}
    assert isinstance(group, dict)
    if "features" in group:
        group["features"] = listed(group["features"])
    _set_thresholds(group)
    return group


def _set_thresholds(section: dict[Any, Any]) -> None:
    if section.get("thresholds") is not None:
        section["thresholds"] = _thresholds(section["thresholds"])


def _segments(value: object) -> object:
    lists = listed(value)
    if not isinstance(lists, list):
        return lists
    return [as_plain(one) if isinstance(one, Mapping) else listed(one) for one in lists]


def _thresholds(value: object) -> object:
    """Return levels by metric; a plain number is critical, and one alone is that of ``kl``."""
    return _each({"kl": value} if _is_number(value) else value, _levels)


def _levels(value: object) -> object:
    return {"warning": None, "critical": value} if _is_number(value) else as_plain(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
