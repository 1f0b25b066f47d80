"""From the numbers of windows and segments to verdicts: the test, the severity, the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.special import stdtr

from kldrift.arrays import Bools, Floats, Ints, Texts
from kldrift.config import ModelShift, Threshold
from kldrift.profiles.number_text import grouped, percent
from kldrift.scoring.judge import held_to_limits, severities
from kldrift.scoring.reasons import above
from kldrift.scoring.rules import Rules
from kldrift.scoring.status import PLACE, Status
from kldrift.scoring.threshold import RANK, SEVERITIES, QValues, Severity
from kldrift.scoring.verdict import SIZES, Subject, Verdicts
from kldrift.shift.row_divergence import RowOutcome
from kldrift.shift.summary import FIRST_OCTAVE, LAST_OCTAVE, Summaries
from kldrift.statistics.significance import q_values

QUANTILES: Final = ("kl_median", "kl_p90", "kl_p99")
LOWER: Final = np.append(0.0, 2.0 ** np.arange(FIRST_OCTAVE, LAST_OCTAVE + 1))
"""Where the written cells begin, in nats."""
UPPER: Final = np.append(LOWER[1:], np.nan)
"""Where they end; NaN is open."""
LEFT_OUT: Final = {
    RowOutcome.NULL: "null",
    RowOutcome.LENGTH: "empty or of two lengths",
    RowOutcome.NUMBER: "with null, NaN or infinity inside",
    RowOutcome.MASKED: "with every class masked",
    RowOutcome.PROBABILITY: "no probabilities",
}
"""Outcomes of rows that cannot be compared, in words."""


def judge(summaries: Summaries, config: ModelShift) -> Verdicts:
    """Judge all windows and segments of a run; the correction needs all of its tests at once."""
    n = len(summaries)
    status, reason = _statuses(summaries, config.min_rows)
    scored = status == PLACE[Status.OK]
    scores = _scores(summaries, config.thresholds.get("kl", Threshold()))
    scores = {name: np.where(scored, values, np.nan) for name, values in scores.items()}
    p_values = scores["p_value"]
    corrected = config.significance.correction != "none"
    sizes = (summaries.total, summaries.total, summaries.left_out, summaries.left_out)
    q = q_values(p_values) if corrected else p_values
    verdicts = Verdicts(
        subjects=[Subject(config.feature, "model_shift", config.thresholds)],
        of=np.zeros(n, dtype=np.int64),
        group=np.arange(n),
        segment=summaries.segment,
        status=status,
        reason=reason,
        scores=scores,
        severity=np.full(n, RANK[Severity.UNSCORED]),
        q_values=QValues(q, q),  # one test, against the smallest threshold
        sizes=dict(zip(SIZES, sizes, strict=True)),  # the two models have judged the same rows
        rules=Rules(0.0, "exclude", config.min_rows, config.significance.alpha, corrected),
    )
    rank, deciding = severities(verdicts, list(held_to_limits(verdicts)))
    for i in np.flatnonzero(rank > RANK[Severity.UNSCORED]).tolist():
        limit, certain = config.thresholds[deciding[i]], float(q[i])
        size = above(deciding[i], float(summaries.kl[i]), SEVERITIES[rank[i]], limit, certain)
        reason[i] = _and(f"{size}; {_spread(summaries, i)}", reason[i])
    return replace(verdicts, severity=rank, reason=reason)


def _scores(summaries: Summaries, threshold: Threshold) -> dict[str, Floats]:
    n, compared = len(summaries), np.maximum(summaries.compared, 1)
    levels = [x for x in (threshold.warning, threshold.critical) if x is not None]
    tested = mean_above(summaries, min(levels)) if levels else np.full(n, np.nan)
    cells = np.count_nonzero(summaries.rows, axis=-1) + (summaries.infinite > 0)
    return {
        "cells": cells.astype(np.float64),
        "kl": summaries.kl,
        **dict(zip(QUANTILES, summaries.quantiles.T, strict=True)),
        "top_class_changed": summaries.changed / compared,
        "kl_expected": np.zeros(n),  # two equal models differ on no row
        "p_value": tested,
    }


def small_segments(verdicts: Verdicts) -> Bools:
    """Which verdicts are on segments of fewer rows than ``min_rows`` asks for."""
    few = np.isin(verdicts.status, [PLACE[Status.TOO_FEW_ROWS], PLACE[Status.EMPTY]])
    return np.asarray(few & ~verdicts.whole)


def failed(verdicts: Verdicts) -> Bools:
    """Which verdicts are on what should have been scored and was not; a segment may be small."""
    unscored = verdicts.severity == RANK[Severity.UNSCORED]
    return np.asarray(unscored & ~small_segments(verdicts))


def mean_above(summaries: Summaries, threshold: float) -> Floats:
    """One-sided p-values of Student's t-test over rows: is the mean divergence above a threshold?

    ``t = (mean - threshold) / sqrt(variance / n)`` with ``n - 1`` degrees of freedom, over the
    finite rows. It holds for any distribution of many rows, by the central limit theorem. NaN for
    fewer than two finite rows.
    """
    rows = np.maximum(summaries.finite, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(summaries.variance / rows)
        p_values = stdtr(rows - 1, -(summaries.kl - threshold) / error)
    sure = np.where(summaries.kl > threshold, 0.0, 1.0)
    p_values = np.where(error == 0, sure, p_values)
    return np.where((summaries.finite > 1) & np.isfinite(summaries.kl), p_values, np.nan)


def _statuses(summaries: Summaries, min_rows: int) -> tuple[Ints, Texts]:
    """The status of each group, as a place in ``STATUSES``, and what there is to say about it."""
    status = np.full(len(summaries), PLACE[Status.OK])
    reason = np.full(len(summaries), "", dtype=object)
    compared, infinite = summaries.compared, summaries.infinite
    # The last that holds says it.
    status[~np.isfinite(summaries.kl)] = PLACE[Status.ERROR]
    status[compared < min_rows] = PLACE[Status.TOO_FEW_ROWS]
    status[compared == 0] = PLACE[Status.EMPTY]
    explained = (status != PLACE[Status.OK]) | (infinite > 0) | (summaries.left_out > 0)
    for i in np.flatnonzero(explained).tolist():
        why = ""
        if not summaries.total[i]:
            why = "no rows"
        elif not compared[i]:
            why = "no row can be compared"
        elif compared[i] < min_rows:
            why = f"{compared[i]} rows can be compared, min_rows is {min_rows}"
        elif status[i] == PLACE[Status.ERROR]:
            why = "the divergence of every row is infinite"
        if infinite[i] and status[i] != PLACE[Status.ERROR]:
            share = _share(infinite[i], compared[i])
            masked = "the champion masks a class that the challenger allows"
            why = _and(why, f"{share} rows infinite: {masked}")
        if summaries.left_out[i]:
            why = _and(why, _left_out(summaries, i))
        reason[i] = why
    return status, reason


def _spread(summaries: Summaries, i: int) -> str:
    """How the divergence of a group is spread over its rows."""
    compared, contributions = int(summaries.compared[i]), summaries.contributions[i]
    top = int(contributions.argmax())
    lower, upper = LOWER[top], UPPER[top]
    between = (
        f"{grouped(lower)} or more" if np.isnan(upper) else f"{grouped(lower)} to {grouped(upper)}"
    )
    return (
        f"the top class differs in {percent(summaries.changed[i] / compared)} of the rows; "
        f"{percent(summaries.rows[i, top] / compared)} of the rows, those of "
        f"{between} nats, add {percent(contributions[top] / summaries.kl[i])} of it"
    )


def _left_out(summaries: Summaries, i: int) -> str:
    """How many rows were left out, and why."""
    outcomes = summaries.outcomes[i]
    whys = [f"{outcomes[o]:,} {why}" for o, why in LEFT_OUT.items() if outcomes[o]]
    return f"{_share(summaries.left_out[i], summaries.total[i])} rows left out: {', '.join(whys)}"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"


def _and(first: str, second: str) -> str:
    return "; ".join(filter(None, (first, second)))
