"""Reading the results that GX hands to renderers and actions."""

from __future__ import annotations

import math
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


def badness(result: Any) -> tuple[bool, bool, Any, float]:
    """A sort key: failures above passes, errors first, then by severity and by size."""
    severity = severity_of(result.expectation_config)
    return not result.success, raised(result), severity, _size(details_of(result))


def _size(details: dict[str, Any]) -> float:
    """How many times its threshold a score is; infinite where it could not be judged."""
    score, threshold = details.get("score"), details.get("threshold")
    if details.get("outcome") == "unscored" or score is None or not threshold:
        return math.inf
    return float(score) / float(threshold)
