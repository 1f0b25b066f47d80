"""The joint features of a plan: which there are, and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from kldrift.arrays import Floats
from kldrift.config import Config, Joint, Threshold
from kldrift.counting.joint import LARGEST_FULL, JointColumns
from kldrift.errors import ConfigError, Mistakes, did_you_mean, first_names
from kldrift.features.feature import Feature, Skipped
from kldrift.features.keys import KeyType
from kldrift.features.names import ROWS_FEATURE
from kldrift.features.pairs import Pair
from kldrift.features.parts import Part
from kldrift.profiles.comoments import CoMoments
from kldrift.profiles.joint_profile import JointProfile
from kldrift.scoring.joint_result import JointCell, JointResult
from kldrift.scoring.metrics import DEFAULT_KL, JOINT_METRICS
from kldrift.scoring.status import Status
from kldrift.scoring.verdict import Subject
from kldrift.statistics.joint_gaussian import ROWS_PER_FEATURE, Unscorable, joint_score

MOST_PAIRS: Final = 1000
"""Pairs that have a cell of their own; the rest is one cell with its exact share."""
VECTOR_SHARE: Final = 0.5
NO_JOINT: Final = Joint()


@dataclass(frozen=True)
class JointPlan:
    """One group of the plan; ``problem`` says why it cannot be scored, and with which status."""

    name: str
    pairs: tuple[Pair, ...]
    joint: Joint
    vector: bool = False
    problem: tuple[Status, str] | None = None
    asked: bool = True

    def columns(self, side: str, pivots: Mapping[str, float]) -> JointColumns:
        """The group as one side's scan counts it."""
        features: list[Feature] = [getattr(p, side) for p in self.pairs]
        if self.vector:
            features = [replace(f, part=Part.VALUE, key_type=KeyType.FLOAT) for f in features]
        known = tuple(pivots.get(p.feature.name, 0.0) for p in self.pairs)
        return JointColumns(
            self.name,
            tuple(features),
            (0.0,) if self.vector else known,
            self.joint.covariance_of(vector=self.vector) == "diagonal",
            self.vector,
        )


def plan_joint(
    config: Config, pairs: Sequence[Pair], skipped: Sequence[Skipped] = ()
) -> tuple[JointPlan, ...]:
    """The groups that the configuration names, then every other column of vectors."""
    why = {s.column: s.reason for s in skipped}
    by_name = {p.feature.name: p for p in pairs}
    vectors = {p.feature.column: p for p in pairs if p.feature.vector}
    plans = []
    mistakes = Mistakes()
    for name, joint in config.joint.items():
        with mistakes.noted():
            for feature in joint.features:
                if feature in why:
                    text = f"{feature!r} is no feature: {why[feature]}"
                    raise ConfigError(f"joint.{name}.features: {text}")
            plans.append(_asked(name, joint, by_name, vectors))
    mistakes.raise_any()
    taken = {f for joint in config.joint.values() for f in joint.features if f in vectors}
    names = {g.name for g in plans} | set(by_name)
    for column, p in vectors.items():
        if column not in taken and column not in names:
            plans.append(_vector(column, p, NO_JOINT, asked=False))
    return tuple(plans)


def _asked(
    name: str, joint: Joint, by_name: Mapping[str, Pair], vectors: Mapping[str, Pair]
) -> JointPlan:
    key = f"joint.{name}"
    if name in by_name or name == ROWS_FEATURE:
        raise ConfigError(f"{key}: a feature has that name; give the group another")
    if len(joint.features) == 1 and joint.features[0] in vectors:
        return _vector(name, vectors[joint.features[0]], joint, asked=True)
    mistakes = Mistakes()
    members: list[Pair] = []
    for feature in joint.features:
        with mistakes.noted():
            members.append(_member(key, feature, by_name, vectors))
    mistakes.raise_any()
    if len(members) == 1:
        raise ConfigError(
            f"{key}.features: expected two numeric features or more, or one column of vectors"
        )
    return JointPlan(name, tuple(members), joint, problem=_problem(members))


def _vector(name: str, p: Pair, joint: Joint, *, asked: bool) -> JointPlan:
    return JointPlan(name, (p,), joint, vector=True, problem=_problem((p,)), asked=asked)


def _member(key: str, name: str, known: Mapping[str, Pair], vectors: Mapping[str, Pair]) -> Pair:
    pair = known.get(name)
    if pair is None:
        if name in vectors:
            raise ConfigError(f"{key}.features: {name!r} is a column of vectors: a group by itself")
        hint = did_you_mean(name, [*known, *vectors])
        raise ConfigError(f"{key}.features: no feature is called {name!r}{hint}")
    if pair.feature.kind != "numeric" and not (pair.changed or pair.ambiguous):
        raise ConfigError(f"{key}.features: {name!r} is {pair.feature.kind}, expected numbers")
    return pair


def _problem(members: Sequence[Pair]) -> tuple[Status, str] | None:
    for p in members:
        name = p.feature.column
        if p.ambiguous:
            return Status.ERROR, f"{name}: {p.ambiguous}"
        if p.changed:
            return Status.TYPE_CHANGED, f"{name}: {p.changed}"
        if p.current is None:
            return Status.MISSING_FEATURE, f"{name} is not in the current dataset"
        if p.reference is None:
            return Status.NEW_FEATURE, f"{name} is not in the reference"
    return None


def not_vectors(plan: JointPlan, counts: JointProfile) -> Skipped | None:
    """Why a column of lists that nobody asked for is no column of vectors; None if it is one."""
    if plan.asked or not plan.vector:
        return None
    rows, moments = counts.group(0)
    width = _width(moments)
    complete = int(moments[width].rows) if width else 0
    if rows and complete > VECTOR_SHARE * rows:
        return None
    reason = f"no vectors: of {rows:,} rows, {complete:,} are the most of one length"
    return Skipped(plan.name, f"{reason}; their sizes are monitored")


def _width(moments: Mapping[int, CoMoments]) -> int:
    """The length that most rows of the reference have; 0 if there is none."""
    rows = {width: int(m.rows) for width, m in moments.items()}
    return max(rows, key=lambda w: (rows[w], w), default=0)


def unscored_joint(plan: JointPlan, config: Config) -> Subject:
    """The subject of a verdict for joint features that cannot be scored."""
    assert plan.problem is not None
    status, reason = plan.problem
    return Subject(plan.name, "joint", _thresholds(plan, config), status=status, reason=reason)


def _thresholds(plan: JointPlan, config: Config) -> dict[str, Threshold]:
    stated = {m: t for m, t in config.thresholds.items() if m in JOINT_METRICS}
    return {**(stated or DEFAULT_KL), **plan.joint.thresholds}


def scored_joint(
    plan: JointPlan, config: Config, reference: JointProfile, current: JointProfile
) -> Subject:
    """The subject of a verdict for joint features that were counted, with any score."""
    base = Subject(plan.name, "joint", _thresholds(plan, config))
    (all_q, of_reference), (all_p, of_current) = reference.group(0), current.group(0)
    width = _width(of_reference)
    q, p = of_reference.get(width), of_current.get(width)
    rows_q, rows_p = (0 if m is None else int(m.rows) for m in (q, p))
    names = _names(plan, width)
    result = JointResult(all_q, all_p, all_q - rows_q, all_p - rows_p)
    base = replace(base, joint=result)
    for rows, side in ((all_q, "reference"), (all_p, "current dataset")):
        if rows == 0:
            return replace(base, status=Status.EMPTY, reason=f"no rows in the {side}")
    if not rows_q or not rows_p or q is None or p is None:
        side = "current dataset" if rows_q else "reference"
        what = f"vector of length {width}" if plan.vector and width else "complete row"
        return replace(base, status=Status.EMPTY, reason=f"no {what} in the {side}")
    fewest = max(config.scoring.min_rows, 10 if q.diagonal else 10 + ROWS_PER_FEATURE * width)
    if min(rows_p, rows_q) < fewest:
        reason = f"{min(rows_p, rows_q)} complete rows, {fewest} are needed"
        return replace(base, status=Status.TOO_FEW_ROWS, reason=reason)
    if plan.vector and q.diagonal and plan.joint.covariance == "full":
        reason = f"vectors of length {width}, a full covariance is for at most {LARGEST_FULL}"
        return replace(base, status=Status.ERROR, reason=f"{reason}; set covariance: diagonal")
    moved = np.flatnonzero(~(p.constant & q.constant & np.isclose(p.mean, q.mean, rtol=1e-12)))
    if len(moved):  # one and the same value on both sides is no part of any drift
        p, q, names = p.of_features(moved), q.of_features(moved), [names[i] for i in moved]
    try:
        score = joint_score(p, q, plan.joint.ridge)
    except Unscorable as error:
        reason = str(error).replace("ridge,", f"joint.{plan.name}.ridge,")
        about = first_names([names[i] for i in error.features], 3)
        return replace(base, status=Status.ERROR, reason=f"{about}: {reason}")
    cells = [
        JointCell("feature", name, added, int(q.rows), int(p.rows))
        for name, added in zip(names, score.features.tolist(), strict=True)
    ]
    cells += _pair_cells(names, score.pairs, p, q)
    scores = {
        "kl": score.kl,
        "gaussian_kl": score.kl,
        "gaussian_kl_mean": score.kl_mean,
        "gaussian_kl_spread": score.kl - score.kl_mean,
        "frechet": score.frechet if plan.vector else np.nan,
        "kl_expected": score.kl_expected,
        "p_value": score.p_value,
        "cells": float(len(cells)),
    }
    heavy = tuple(names[i] for i in score.heavy)
    result = replace(result, cells=tuple(cells), heavy=heavy, unjudged=score.unjudged)
    return replace(base, scores=scores, joint=result)


def _names(plan: JointPlan, width: int) -> list[str]:
    if plan.vector:
        return [f"{plan.name}[{i}]" for i in range(width)]
    return [p.feature.name for p in plan.pairs]


def _pair_cells(
    names: Sequence[str], shares: Floats, p: CoMoments, q: CoMoments
) -> list[JointCell]:
    if not shares.size:
        return []
    current, reference = _correlations(p), _correlations(q)
    rows, columns = np.triu_indices(len(names), 1)
    values = shares[rows, columns]
    top = np.argsort(-np.abs(values), kind="stable")[:MOST_PAIRS]
    cells = [
        JointCell(
            "pair",
            f"{names[i]} × {names[j]}",
            float(shares[i, j]),
            int(q.rows),
            int(p.rows),
            float(reference[i, j]),
            float(current[i, j]),
        )
        for i, j in ((rows[t], columns[t]) for t in np.sort(top))
    ]
    if len(values) > MOST_PAIRS:
        rest = float(np.delete(values, top).sum())
        cells.append(JointCell("pair", "all other pairs", rest, int(q.rows), int(p.rows)))
    return cells


def _correlations(moments: CoMoments) -> Floats:
    std = np.sqrt(np.where(moments.constant, np.inf, moments.variances))
    return np.asarray(moments.covariance / np.outer(std, std))
