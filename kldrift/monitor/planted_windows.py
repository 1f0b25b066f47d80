"""What rules find of drifts that are planted into the last windows of a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from kldrift.monitor.findings import WindowCounts, findings_of
from kldrift.monitor.judging import judge_findings, judged_together
from kldrift.monitor.past_counts import Layout, season_of
from kldrift.monitor.planted import PlantedDrift
from kldrift.monitor.replay import Replay
from kldrift.monitor.stages import Reference
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.profile import Profile
from kldrift.scoring.threshold import RANK, Severity

WITHIN: Final = 10
"""Windows in which a drift is looked for."""
RULES: Final = ("learned", "fixed", "kl")


def planted_windows(
    reference: Reference,
    layout: Layout,
    before: Replay,
    counted: Sequence[WindowCounts],
    drifts: Sequence[PlantedDrift],
    kl_limit: float | None,
) -> list[dict[str, Any]]:
    """Plant drifts into all features at once, and look when each rule flags each of them.

    A row for each drift and rule; without ``kl_limit`` the rule that has only one is left out.
    """
    whole = _whole(reference)
    rows = []
    for drift in drifts:
        state, moved = before, set[str]()
        flags: dict[str, list[set[str]]] = {rule: [] for rule in RULES}
        planted = []
        for one in counted:
            profiles: dict[str, Profile] = {}
            for pair, profile in zip(one.what.pairs, one.current, strict=True):
                name, own = pair.feature.name, profile.of_list(ALL)
                new = drift.into(own, whole.profiles[name].counts[0]) if len(own) else None
                moved |= {name} if new is not None else set()
                profiles[name] = new or own
            time = one.plan.config.time
            assert one.window is not None
            assert time is not None
            counts = layout.counts(profiles)[0][:, 0]
            shown, state = state.step(counts, season_of(one.window, time))
            flags["learned"].append({layout.names[i] for i in shown.raised})
            planted.append(
                replace(
                    one,
                    plan=replace(one.plan, segments=(), joint=()),
                    reference=_whole(one.reference),
                    what=replace(one.what, joint=()),
                    current=list(profiles.values()),
                    together=(),
                )
            )
        for plan, findings in judged_together((one.plan, f) for one, f in findings_of(planted)):
            verdicts = judge_findings(plan, findings)
            critical = np.flatnonzero(verdicts.severity == RANK[Severity.CRITICAL])
            flags["fixed"].append({verdicts.key(i)[0] for i in critical.tolist()})
            above = np.flatnonzero(verdicts.scores["kl"] > (kl_limit or np.inf))
            flags["kl"].append({verdicts.key(i)[0] for i in above.tolist()})
        rows += [_row(str(drift), rule, flags[rule], sorted(moved)) for rule in RULES]
    return rows


def _row(drift: str, rule: str, flags: Sequence[set[str]], moved: Sequence[str]) -> dict[str, Any]:
    """How many of the features a rule found, and how late."""
    late = [next((i for i, names in enumerate(flags) if name in names), None) for name in moved]
    seen = [i for i in late if i is not None]
    n = max(1, len(moved))
    return {
        "planted": drift,
        "rule": rule,
        "features": len(moved),
        "at_once": seen.count(0) / n,
        "within": len(seen) / n,
        "late": float(np.mean(seen)) if seen else np.nan,
    }


def _whole(reference: Reference) -> Reference:
    """A reference without its segments and joint features."""
    profiles = {name: p.of_list(ALL) for name, p in reference.profiles.items()}
    return replace(reference, profiles=profiles, segments=(), joint={})
