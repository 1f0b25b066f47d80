"""Reading the results that GX hands to renderers and actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kldrift.expectations.gx import FailureSeverity


def raised(result: Any) -> bool:
    """Whether GX could not evaluate this expectation at all.

    ``exception_info`` is one record, or one per metric that failed.
    """
    info = result.exception_info or {}
    records = [info] if "raised_exception" in info else info.values()
    return any(record["raised_exception"] for record in records)


def details_of(result: Any) -> dict[str, Any]:
    """The details of a result; empty with ``result_format`` BOOLEAN_ONLY and after an error."""
    return dict(((result and result.result) or {}).get("details") or {})


def severity_of(config: Any) -> Any:
    """The severity of an expectation's configuration, which GX keeps as a name or a member."""
    return FailureSeverity(config.severity)


def badness(result: Any) -> tuple[bool, bool, bool, Any, float]:
    """A sort key: failures above passes, errors first, what has no score last; then by severity.

    Of one severity, how many times its threshold a score is, or the score itself without one.
    """
    config, details = result.expectation_config, details_of(result)
    scored, score = details.get("outcome") != "unscored", details.get("score")
    size = (score or 0.0) / (details.get("threshold") or 1.0)
    return not result.success, raised(result), scored, severity_of(config), size


def each_feature(results: Iterable[Any]) -> list[Any]:
    """The worst result of each feature, that of all rows before that of a segment; worst first."""
    worst: dict[str, Any] = {}

    def whole_first(result: Any) -> tuple[Any, ...]:
        *kind, size = badness(result)
        return *kind, not result.expectation_config.kwargs.get("segment"), size

    for result in sorted(results, key=whole_first, reverse=True):
        worst.setdefault(result.expectation_config.kwargs["feature"], result)
    return sorted(worst.values(), key=badness, reverse=True)
