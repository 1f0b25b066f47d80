"""Planted drifts whose severity is agreed on, and quiet features, 50 a table."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

QUIET: Final = ("quiet", "up_0.1", "names_quiet")
WARNING: Final = (
    "up_0.3",
    "wider_1.2",
    "new_1",
    "nulls_1",
    "spike_3",
    "swapped",
    "top_3x",
    "pay_top_3x",
)
"""At least."""
CRITICAL: Final = ("up_0.5", "wider_1.5", "new_5", "lost_10", "nulls_5", "dies")


def planted(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A reference and a current dataset of features named after what was done to them.

    Args:
        n: rows of both.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    before, now = {}, {}

    def add(name: str, x: np.ndarray, y: np.ndarray) -> None:
        before[name], now[name] = x, y

    def normal() -> np.ndarray:
        return rng.normal(size=n)

    add("quiet", normal(), normal())
    add("up_0.1", normal(), normal() + 0.1)
    add("up_0.3", normal(), normal() + 0.3)
    add("up_0.5", normal(), normal() + 0.5)
    add("wider_1.2", normal(), normal() * 1.2)
    add("wider_1.5", normal(), normal() * 1.5)
    add("nulls_1", normal(), np.where(np.arange(n) < n // 100, np.nan, normal()))
    add("nulls_5", normal(), np.where(np.arange(n) < n // 20, np.nan, normal()))
    add("spike_3", normal(), np.where(np.arange(n) < 3 * n // 100, 0.123, normal()))
    add("dies", *(np.where(rng.random(n) < share, -1.0, normal()) for share in (0.92, 1.0)))

    for name, usual in (("top_3x", normal), ("pay_top_3x", lambda: rng.lognormal(size=n))):
        x, y = usual(), usual()
        add(name, x, np.where(y > np.quantile(y, 0.99), 3 * y, y))

    def names(shares: list[float]) -> np.ndarray:
        return rng.choice(list("abcdefg")[: len(shares)], n, p=shares)

    usual = [0.4, 0.25, 0.15, 0.1, 0.1]
    add("names_quiet", names(usual), names(usual))
    for name, new in (("new_1", 0.01), ("new_5", 0.05)):
        add(name, names(usual), names([*(np.array(usual) * (1 - new)), new]))
    add("lost_10", names(usual), names([0.44, 0.28, 0.17, 0.11, 0.0]))
    add("swapped", names(usual), names([0.4, 0.15, 0.25, 0.1, 0.1]))
    for i in range(50 - len(before)):
        add(f"noise_{i}", normal(), normal())
    return pd.DataFrame(before), pd.DataFrame(now)
