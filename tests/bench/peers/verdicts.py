"""The columns that a tool alarms about: ``verdicts.py TOOL FOLDER ...``.

Runs in the environment of the tool, and prints a list of names for each folder as JSON: a folder
has ``reference.parquet`` and ``current.parquet``. Each tool does what it does by default.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterable

import pandas as pd

Frame = pd.DataFrame


def _texts(rows: Frame) -> list[str]:
    return [c for c in rows if not pd.api.types.is_numeric_dtype(rows[c])]


def kldrift(reference: Frame, current: Frame) -> Iterable[str]:
    """The thresholds of a monitor that states none."""
    import kldrift as tool

    scores = tool.compare(reference, current).scores
    return scores["feature"][scores["severity"].isin(["warning", "critical"])]


def evidently(reference: Frame, current: Frame) -> Iterable[str]:
    """The preset for data drift, with its tests."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    texts = _texts(reference)
    numbers = [c for c in reference if c not in texts]
    kinds = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    sides = [Dataset.from_pandas(f, data_definition=kinds) for f in (current, reference)]
    found = Report([DataDriftPreset()], include_tests=True).run(*sides).dict()
    failed = (t for t in found["tests"] if "FAIL" in str(t["status"]) and t["id"] == "drift")
    return [t["metric_config"]["params"]["column"] for t in failed]


def nannyml(reference: Frame, current: Frame) -> Iterable[str]:
    """Univariate drift in ten chunks, as by default: an alert of any chunk of the current file."""
    import nannyml as tool

    calculator = tool.UnivariateDriftCalculator(column_names=list(reference))
    found = calculator.fit(reference).calculate(current).filter(period="analysis").to_df()
    return [c[0] for c in found.columns if c[-1] == "alert" and bool(found[c].any())]


def whylogs(reference: Frame, current: Frame) -> Iterable[str]:
    """Drift scores of two profiles."""
    import whylogs as tool
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

    sides = [tool.log(f).view() for f in (current, reference)]
    found = calculate_drift_scores(
        target_view=sides[0], reference_view=sides[1], with_thresholds=True
    )
    return [c for c, score in found.items() if score and score["drift_category"] == "DRIFT"]


def frouros(reference: Frame, current: Frame) -> Iterable[str]:
    """Kolmogorov-Smirnov for numbers and chi-square for texts, at 0.05."""
    from frouros.detectors.data_drift import ChiSquareTest, KSTest

    for name in reference:
        text = name in _texts(reference)
        sides = [f[name].dropna().to_numpy() for f in (reference, current)]
        detector = (ChiSquareTest if text else KSTest)()
        detector.fit(X=sides[0])
        if detector.compare(X=sides[1])[0].p_value < 0.05:
            yield name


TOOLS: dict[str, Callable[[Frame, Frame], Iterable[str]]] = {
    f.__name__: f for f in (kldrift, evidently, nannyml, whylogs, frouros)
}


def main(tool: str, *folders: str) -> None:
    """Print the columns of each pair."""
    warnings.simplefilter("ignore")
    found = []
    for folder in folders:
        reference, current = (
            pd.read_parquet(f"{folder}/{side}.parquet") for side in ("reference", "current")
        )
        found.append(sorted(map(str, TOOLS[tool](reference, current))))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
