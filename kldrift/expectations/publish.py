"""Hand the verdicts of a run to Great Expectations: suite, results, Data Docs, actions."""

from __future__ import annotations

import datetime as dt
import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kldrift.errors import ConfigError, KldriftError, OutputError, first_line
from kldrift.expectations import definitions
from kldrift.expectations.action import drift_results
from kldrift.expectations.expectation import ExpectFeatureDriftToBeLessThan
from kldrift.expectations.folder import docs_index, exclusive, open_project
from kldrift.expectations.gx import RunIdentifier
from kldrift.expectations.pages import REPORT, ZONE
from kldrift.expectations.results import raised, severity_of
from kldrift.expectations.whole_files import remove_unreadable
from kldrift.scoring.metrics import LEARNED

LOCK_SECONDS: Final = 60.0
"""How long to wait for another run that holds the folder."""
NO_WRITING: Final = (errno.EDQUOT, errno.ENOSPC, errno.EROFS)
"""What is wrong where a disk takes no more."""

LevelsByFeature = Mapping[str, Mapping[str, tuple[float | None, float | None]]]

# It becomes a folder's name: ".." would leave the site, and GX files "profiling" elsewhere.
_RUN_NAME: Final = re.compile(r"(?!.*profiling)[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


@dataclass(frozen=True)
class Published:
    """The outcome of publishing a run to Great Expectations.

    Attributes:
        evaluated: drift expectations that were evaluated, one per feature, metric and severity.
        failed_warning: those of severity ``warning`` that failed, without a score included.
        failed_critical: those of severity ``critical`` that failed, without a score included.
    """

    checkpoint_result: Any
    evaluated: int
    failed_warning: int
    failed_critical: int
    docs_index: Path | None


def publish(  # noqa: PLR0913  # what a run knows, by name
    scores: pd.DataFrame,
    *,
    scores_path: str,
    root: Path,
    monitor: str,
    run_id: str,
    run_time: dt.datetime,
    thresholds: LevelsByFeature,
    alpha: float,
    data_docs: bool = True,
    report: str | None = None,
    zone: str = "UTC",
) -> Published:
    """Bring the folder in line with the thresholds, and run the monitor's checkpoint.

    Publishing the same ``run_id`` and ``run_time`` again overwrites the same files.

    Args:
        scores: the rows of the run, with the columns of ``drift_scores``.
        scores_path: the Parquet file that holds these rows, and no others.
        root: the GX folder; several monitors may share it.
        monitor: letters, digits, ``.``, ``_`` and ``-``; names what is kept in the folder.
        run_id: becomes GX's run name.
        run_time: with a time zone.
        thresholds: ``feature -> metric -> (warning, critical)``, only metrics that the feature's
            kind has; None for no threshold.
        alpha: what ``q_value`` must be below for a score above a threshold to fail.
        data_docs: whether to build the pages.
        report: where the monitor's report is, which the pages link.
        zone: of the times on the pages.

    Raises:
        ConfigError: if ``thresholds`` names a feature or a metric that ``scores`` has not.
        OutputError: if the folder is held by another run or cannot be brought in line, if GX did
            not evaluate every expectation, or if an action of the user failed.
        ValueError: if ``run_id`` or ``run_time`` cannot name a run.
    """
    if not _RUN_NAME.fullmatch(run_id):
        raise ValueError(f"run id {run_id!r} cannot be the name of a GX run")
    if run_time.tzinfo is None:
        raise ValueError(f"expected a run time with a time zone, got {run_time!r}")
    wanted = list(_wanted(scores, thresholds, alpha))
    name = definitions.name_of(monitor)
    with exclusive(root, seconds=LOCK_SECONDS), whole_folder(root, name) as context:
        about = {REPORT: None if report is None else _address(report), ZONE: zone}
        suite = definitions.sync_suite(context, name, wanted, about)
        batch = definitions.sync_batch(context, name, _absolute(scores_path))
        checkpoint = definitions.sync_checkpoint(context, suite, batch, data_docs=data_docs)
        run = RunIdentifier(run_name=run_id, run_time=run_time)
        result = _run(checkpoint, run, root)
        index = docs_index(context) if data_docs else None
    ids = {e.id for e in suite.expectations if definitions.is_managed(e)}
    ours = [r for r in drift_results(result) if r.expectation_config.id in ids]
    _check_complete(ours, len(wanted), root)
    failed = [severity_of(r.expectation_config).value for r in ours if not r.success]
    return Published(
        checkpoint_result=result,
        evaluated=len(ours),
        failed_warning=failed.count("warning"),
        failed_critical=failed.count("critical"),
        docs_index=index,
    )


@contextmanager
def whole_folder(root: Path, name: str) -> Iterator[Any]:
    """The file context under ``root``, once what is a monitor's and unreadable is gone."""
    try:
        remove_unreadable(root, name)
        with open_project(root) as context:
            yield context
    except KldriftError:
        raise
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and getattr(cause, "errno", None) not in NO_WRITING:
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise OutputError(f"{root}: cannot be written: {first_line(cause)}") from error


def _wanted(scores: pd.DataFrame, thresholds: LevelsByFeature, alpha: float) -> Iterator[Any]:
    if unknown := sorted(set(thresholds) - set(scores["feature"])):
        raise ConfigError(f"thresholds for {unknown[0]!r}, which has no row in the drift table")
    limits = scores["limit_learned"] if "limit_learned" in scores else [None] * len(scores)
    for feature, segment, limit in zip(scores["feature"], scores["segment"], limits, strict=True):
        held = dict(thresholds.get(feature, {}))
        if not pd.isna(limit):
            held[LEARNED] = None, limit
        for metric, bounds in held.items():
            if metric not in scores.columns:
                raise ConfigError(
                    f"thresholds for {metric!r}, which is no column of the drift table"
                )
            for severity, threshold in zip(("warning", "critical"), bounds, strict=True):
                if threshold is not None:
                    yield ExpectFeatureDriftToBeLessThan(
                        feature=feature,
                        segment=None if pd.isna(segment) else segment,
                        metric=metric,
                        threshold=float(threshold),
                        alpha=float(alpha),
                        severity=severity,
                        meta=dict(definitions.MARK),
                    )


def _address(path: str) -> str:
    """The address of a page, as links use it."""
    return path if "://" in path else Path(path).absolute().as_uri()


def _absolute(path: str) -> str:
    """A path that means the same to whoever opens the folder later; addresses stay."""
    return path if "://" in path else str(Path(path).absolute())


def _run(checkpoint: Any, run_id: Any, root: Path) -> Any:
    try:
        return checkpoint.run(run_id=run_id)
    except Exception as error:
        place = error.filename if isinstance(error, OSError) else None
        if isinstance(place, str) and Path(place).is_relative_to(root.absolute()):
            raise OutputError(f"{root}: cannot be written: {first_line(error)}") from error
        # an action of the user may raise anything, and its text may hold a webhook's address
        raise OutputError(
            f"the checkpoint {checkpoint.name!r} or one of its actions failed with "
            f"{type(error).__name__}; actions run after the results are stored"
        ) from error


def _check_complete(ours: list[Any], wanted: int, root: Path) -> None:
    """GX drops what it cannot build, and reports success on the rest."""
    if len(ours) != wanted:
        raise OutputError(f"{root}: GX evaluated {len(ours)} of {wanted} drift expectations")
    errors = [r for r in ours if raised(r)]
    if errors:
        feature, info = errors[0].expectation_config.kwargs["feature"], errors[0].exception_info
        record = info if "raised_exception" in info else next(iter(info.values()))
        raise OutputError(
            f"{root}: GX could not evaluate {len(errors)} of {wanted} drift expectations; "
            f"feature {feature!r}: {record['exception_message']}"
        )
