"""Drifts that are planted into stored profiles: what would a rule have seen, and how late?

Counts of a window are dealt anew over its cells; how many rows it has stays, and nothing is drawn,
so that the same drift gives the same counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from scipy.special import ndtri

from kldrift.arrays import Floats, Ints
from kldrift.errors import ConfigError
from kldrift.monitor.counts_layout import Layout
from kldrift.monitor.findings import WindowCounts, findings_of
from kldrift.monitor.judging import judged_together
from kldrift.monitor.learned_rule import Replay
from kldrift.monitor.stages import Reference
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.threshold import RANK, Severity

USUAL: Final = ("shift 0.1", "shift 0.3", "shift 0.6", "new 1", "nulls 1")
"""Drifts of the sizes that one asks about."""
_DRIFT: Final = re.compile(r"(shift|new|nulls) (-?[0-9]+(?:\.[0-9]+)?)")
_WHOLE: Final = 100.0

WITHIN: Final = 10
"""Windows in which a drift is looked for."""
RULES: Final = ("learned", "fixed", "kl")


@dataclass(frozen=True)
class PlantedDrift:
    """A drift to plant.

    A ``shift`` of the mean in standard deviations of the reference, ``new`` values in per cent of
    the rows, or more ``nulls`` in points.
    """

    kind: str
    size: float

    @classmethod
    def of(cls, text: str) -> Self:
        """The drift that is written as ``shift 0.3``, ``new 1`` or ``nulls 1``.

        Examples:
            >>> str(PlantedDrift.of("shift 0.3")), str(PlantedDrift.of("new 1"))
            ('shift 0.3', 'new 1')
        """
        match = _DRIFT.fullmatch(text)
        size = float(match[2]) if match else 0.0
        if match is None or (match[1] != "shift" and not 0 < size < _WHOLE):
            raise ConfigError(
                f"{text!r}: expected such as 'shift 0.3' (deviations), 'new 1' (per cent of the "
                "rows) or 'nulls 1' (points)"
            )
        return cls(match[1], size)

    def __str__(self) -> str:
        return f"{self.kind} {self.size:g}"

    def into(self, profile: Profile, reference: Ints) -> Profile | None:
        """A profile of one group with the drift in it; None where it cannot have such a drift.

        ``reference`` are the rows of the reference in each cell.
        """
        counts = profile.counts[0]
        rows = int(counts.sum())
        shares = counts / max(1, rows)
        if self.kind == "shift":
            support = profile.support
            if not isinstance(support, NumericSupport):
                return None
            moved = _shifted(shares, reference, support.intervals, self.size)
        else:
            cell = _cell(profile, self.kind)
            if cell is None:
                return None
            moved = shares * (1 - self.size / _WHOLE)
            moved[cell] += self.size / _WHOLE
        dealt = _dealt(moved, rows).reshape(1, -1)
        return Profile(profile.support, profile.keys, dealt, profile.moments)


def _shifted(shares: Floats, reference: Ints, intervals: int, size: float) -> Floats:
    """Shares of cells in order, tilted so that the mean moves by about so many deviations."""
    q = reference[:intervals] / max(1, int(reference[:intervals].sum()))
    places = ndtri(np.clip(q.cumsum() - q / 2, 1e-9, 1 - 1e-9))
    places = places - (q * places).sum()
    places /= max(np.sqrt((q * places**2).sum()), 1e-9)
    moved = shares.copy()
    tilted = moved[:intervals] * np.exp(size * places)
    total = tilted.sum()
    moved[:intervals] = tilted * (moved[:intervals].sum() / total if total > 0 else 1)
    return np.asarray(moved)


def _cell(profile: Profile, kind: str) -> int | None:
    """The cell that gains rows: that of nulls, or of new values."""
    codes = profile.support.codes
    if kind == "nulls":
        return len(codes) - 1
    for wanted in (CellKind.NEVER_SEEN, CellKind.OTHER):
        there: Any = np.flatnonzero(codes == CODES[wanted])
        if len(there):
            return int(there[0])
    return None


def _dealt(shares: Floats, rows: int) -> Ints:
    """Round shares to whole rows by largest remainders."""
    exact = shares * rows
    counts = np.floor(exact).astype(np.int64)
    left = rows - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return counts


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
            assert one.window is not None
            shown, state = state.step(one.window, layout.counts(profiles)[0][:, 0])
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
        for _, findings in judged_together((one.plan, f) for one, f in findings_of(planted)):
            assert findings.by_limits is not None
            verdicts = findings.by_limits.verdicts
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
