"""Drift in one of several segments: the second table of ``python -m tests.bench.power``.

Each drift is in one of 5 and of 20 segments of equal size, which are judged together with all rows.
Seeds are fixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import kldrift

ROWS: Final = (10_000, 100_000)
SEGMENTS: Final = (5, 20)
SEEDS: Final = 2
DRAWS: Final = {10_000: 40, 100_000: 5}
"""Of quiet pairs, by rows."""
NAMES: Final = ["a", "b", "c", "d", "e"]
SHARES: Final = [0.4, 0.25, 0.15, 0.1, 0.1]

Mask = NDArray[np.bool_]
Plant = Callable[[pd.DataFrame, Mask, Mask], pd.DataFrame]

DRIFTS: Final[dict[str, tuple[str, Plant]]] = {
    "up by 0.3 deviations": ("x", lambda now, here, _: now.assign(x=now["x"] + 0.3 * here)),
    "up by 0.5 deviations": ("x", lambda now, here, _: now.assign(x=now["x"] + 0.5 * here)),
    "1.5 times as wide": ("x", lambda now, here, _: now.assign(x=now["x"] * (1 + 0.5 * here))),
    "5 points of nulls": ("x", lambda now, here, few: now.assign(x=now["x"].mask(here & few))),
    "5 % of a new category": (
        "c",
        lambda now, here, few: now.assign(c=now["c"].mask(here & few, "new")),
    ),
}


def _side(rng: np.random.Generator, rows: int, segments: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment": [f"s{i % segments}" for i in range(rows)],
            "x": rng.normal(size=rows),
            "c": rng.choice(NAMES, rows, p=SHARES),
        }
    )


def _judged(rows: int, segments: int, seed: int, plant: Plant | None = None) -> pd.DataFrame:
    rng = np.random.default_rng([rows, segments, seed])
    before, now = (_side(rng, rows, segments) for _ in range(2))
    if plant is not None:
        here = (now["segment"] == "s0").to_numpy()
        now = plant(now, here, rng.random(rows) < 0.05)
    return kldrift.compare(before, now, segments=[["segment"]], exclude=["segment"]).scores


def _told(severities: list[str]) -> str:
    counted = Counter(severities).most_common()
    return " / ".join(s if len(counted) == 1 else f"{s} ({n})" for s, n in counted)


def segment_table() -> str:
    """The severity of the segment that drifts, of all rows, and alarms of the quiet ones."""
    cases = [(rows, segments) for rows in ROWS for segments in SEGMENTS]
    head = [f"{rows:,} rows, {segments} segments" for rows, segments in cases]
    lines = [["drift in one segment", *head], ["---"] * (len(cases) + 1)]
    for name, (feature, plant) in DRIFTS.items():
        line = [name]
        for case in cases:
            here, whole, others = [], [], 0
            for seed in range(SEEDS):
                scores = _judged(*case, seed, plant)
                mine = scores[scores["feature"] == feature].set_index("segment")["severity"]
                here.append(mine["segment=s0"])
                whole.append(mine[mine.index.isna()].iloc[0])
                elsewhere = scores[scores["segment"].notna() & (scores["segment"] != "segment=s0")]
                others += int((elsewhere["severity"] != "ok").sum())
            line.append(f"{_told(here)}; all rows {_told(whole)}; {others} in others")
        lines.append(line)
    quiet = [
        sum(int((_judged(*case, 100 + i)["severity"] != "ok").sum()) for i in range(DRAWS[case[0]]))
        for case in cases
    ]
    told = zip(quiet, cases, strict=True)
    lines.append(
        ["none", *(f"{alarms} alarms in {DRAWS[rows]} draws" for alarms, (rows, _) in told)]
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


HEAD: Final = f"""## In one of several segments

Of {SEEDS} seeds, with the thresholds of a monitor that states none: the severity of the segment
that drifts, of all rows, in which the drift is a fifth or a twentieth as large, and how many rows
of other segments are flagged. Segments have the same limits as all rows: a segment of 20,000 rows
(the third case) has the severities that a whole dataset has, one of 5,000 (the last) mostly, and
smaller ones may be a step below. The last line counts all alarms where nothing happened.

"""
