"""Scores from what an output folder holds, without data and without a plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from kldrift.profiles.group_keys import ALL
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.scores import score
from kldrift.statistics.joint_gaussian import joint_score
from kldrift.tables.read import stored_profiles, stored_supports
from kldrift.tables.store import open_store
from kldrift.tables.supports import Supports
from kldrift.tables.window import Window

Side = tuple[dict[str, Profile], dict[str, JointProfile]]
Scores = dict[tuple[str, str | None], dict[str, float]]


def stored(
    folder: str, monitor: str, reference_id: str, window: Window
) -> tuple[Supports, Side, Side]:
    """What a reference decided, its profiles, and those of a window."""
    store = open_store(folder)
    supports = stored_supports(store, monitor, reference_id)
    reference = stored_profiles(store, monitor, supports)
    return supports, reference, stored_profiles(store, monitor, supports, window)


def rescored(
    supports: Supports,
    reference: Side,
    current: Side,
    *,
    pseudocount: float,
    missing: str = "cell",
    ridge: float = 0.0,
) -> Scores:
    """The scores of each feature, joint ones too, and segment; NaN where there is none."""
    known = {f.name: f.rebinning for f in supports.features if f.rebinning is not None}
    names = [name for name in current[0] if name in known]
    comparisons = [
        Comparison.of(current[0][name], reference[0][name], known[name]) for name in names
    ]
    scores = score(comparisons, pseudocount=pseudocount, missing=missing)
    out: Scores = {}
    row = 0
    for name, comparison in zip(names, comparisons, strict=True):
        keys = comparison.keys
        for number, place in zip(keys.list.tolist(), keys.segment.tolist(), strict=True):
            segment = None if number == ALL else supports.segments[number].names[place]
            out[name, segment] = {metric: float(scores[metric][row]) for metric in scores}
            row += 1
    for name, profile in current[1].items():
        out[name, None] = _joint_scores(profile, reference[1][name], ridge)
    return out


def _joint_scores(current: JointProfile, reference: JointProfile, ridge: float) -> dict[str, float]:
    (_, p), (_, q) = current.group(0), reference.group(0)
    width = max(q, key=lambda w: (q[w].rows, w))
    found = joint_score(p[width], q[width], ridge)
    return {
        "kl": found.kl,
        "gaussian_kl_mean": found.kl_mean,
        "kl_expected": found.kl_expected,
        "p_value": found.p_value,
    }


def differences(drift_scores: pa.Table, scores: Scores, rel: float = 0.0) -> list[Any]:
    """The numbers of ``drift_scores`` that are not those of some scores, and how many were alike.

    Args:
        drift_scores: of one run.
        scores: of all that it scored.
        rel: by how much of it a number may be off; bit for bit by default.
    """
    other: list[Any] = []
    for row in drift_scores.to_pylist():
        found = scores.get((row["feature"], row["segment"]), {})
        if row["kl"] is not None and not found:
            other.append((row["feature"], row["segment"], "is not there"))
        for metric, value in found.items():
            told = row[metric]
            same = np.isnan(value) if told is None else abs(value - told) <= rel * abs(told)
            if row["kl"] is not None and not same:
                other.append((row["feature"], row["segment"], metric, told, value))
    return other
