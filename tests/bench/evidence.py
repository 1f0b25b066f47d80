"""What is flagged at what size: ``python -m tests.bench.evidence`` writes ``docs/evidence.md``.

Planted drifts, each the only one of 50 features, and quiet features, through ``kldrift.compare``
with the thresholds of a monitor that states none, beside the rules that other tools are usually run
with. Their arithmetic is written down here from their documentation: PSI over ten quantile bins at
0.1 and 0.25; Evidently 0.7's defaults for columns (distance over 0.1 from 1,000 rows on:
Wasserstein in reference deviations for numbers, Jensen-Shannon for categories; below, KS and
chi-square at 0.05); NannyML 0.13's default for univariate drift (Jensen-Shannon distance over 0.1).
Seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

import kldrift
from tests.planted_drifts import CRITICAL, QUIET, WARNING, planted

PAGE: Final = Path("docs/evidence.md")
SEEDS: Final = {1_000: 12, 10_000: 24, 100_000: 3, 1_000_000: 1}
"""By rows."""
FEATURES: Final = 50
ALPHA: Final = 0.01
"""Of a monitor that states none. The only drift among many features is found where its p-value is
below a share of it as small as theirs."""
LEAST_SHARE: Final = 1e-4
MANY_ROWS: Final = 1_000

Column = NDArray[np.generic]
Floats = NDArray[np.float64]


def _shares(before: Column, now: Column, bins: int | str = 10) -> tuple[Floats, Floats]:
    """Shares of quantile bins of the reference, or of its names; nulls have a bin of their own."""
    numeric = before.dtype.kind == "f"
    nulls = [np.isnan(x) if numeric else np.zeros(len(x), dtype=bool) for x in (before, now)]
    sides = [x[~n] for x, n in zip((before, now), nulls, strict=True)]
    if numeric and bins == "doane":
        edges = np.histogram_bin_edges(sides[0].astype(float), "doane")
    elif numeric:
        edges = np.unique(np.quantile(sides[0].astype(float), np.linspace(0, 1, int(bins) + 1)))
    if numeric:
        counts = [
            np.bincount(np.digitize(x.astype(float), edges[1:-1]), minlength=len(edges))
            for x in sides
        ]
    else:
        names = np.unique(np.concatenate(sides))
        counts = [(x[:, None] == names).sum(0) for x in sides]
    shares = [np.append(c, n.sum()) / len(n) for c, n in zip(counts, nulls, strict=True)]
    return shares[0], shares[1]


def psi(before: Column, now: Column) -> str:
    """The severity by PSI at 0.1 and 0.25."""
    q, p = (np.maximum(side, LEAST_SHARE) for side in _shares(before, now))
    value = float(((p - q) * np.log(p / q)).sum())
    return "critical" if value > 0.25 else "warning" if value > 0.1 else "ok"


def evidently(before: Column, now: Column) -> str:
    """Whether Evidently's default test of a column finds drift; nulls are left out, as there."""
    numeric = before.dtype.kind == "f"
    if numeric:
        x, y = (side[~np.isnan(side)].astype(float) for side in (before, now))
        if len(before) <= MANY_ROWS:
            found = scipy.stats.ks_2samp(x, y).pvalue < 0.05
        else:
            found = scipy.stats.wasserstein_distance(x, y) / max(x.std(), 1e-3) > 0.1
    else:
        q, p = _shares(before, now)
        if len(before) <= MANY_ROWS:
            counts = np.round(np.stack([q, p])[:, (q + p) > 0] * len(before))
            found = scipy.stats.chi2_contingency(counts).pvalue < 0.05
        else:
            found = jensenshannon(q, p, base=2) > 0.1
    return "drift" if found else "ok"


def nannyml(before: Column, now: Column) -> str:
    """Whether NannyML's default distance is above its default threshold."""
    q, p = _shares(before, now, "doane")
    return "drift" if jensenshannon(q, p, base=2) > 0.1 else "ok"


RULES: Final[dict[str, Callable[[Column, Column], str]]] = {
    "PSI": psi,
    "Evidently": evidently,
    "NannyML": nannyml,
}


def found() -> pd.DataFrame:
    """The severities of each planted feature: one row per feature, size, seed and rule."""
    rows = []
    for size, seeds in SEEDS.items():
        for seed in range(seeds):
            before, now = planted(size, seed)
            for name in (*QUIET, *WARNING, *CRITICAL):
                sides = (before[name].to_numpy(), now[name].to_numpy())
                alone = kldrift.compare(before[[name]], now[[name]], alpha=ALPHA / FEATURES)
                said = {"kldrift": alone.scores["severity"][0]}
                said |= {r: rule(*sides) for r, rule in RULES.items()}
                rows += [(name, size, seed, rule, severity) for rule, severity in said.items()]
            noise = [n for n in before.columns if n.startswith("noise")]
            scores = kldrift.compare(before[noise], now[noise]).scores
            alarms = {"kldrift": int((scores["severity"] != "ok").sum())}
            for rule, of in RULES.items():
                columns = ((before[n].to_numpy(), now[n].to_numpy()) for n in noise)
                alarms[rule] = sum(of(*sides) != "ok" for sides in columns)
            rows += [
                (f"{len(noise)} quiet features", size, seed, r, f"{n} alarms")
                for r, n in alarms.items()
            ]
    return pd.DataFrame(rows, columns=["feature", "rows", "seed", "rule", "severity"])


def page(rows: pd.DataFrame) -> str:
    """The page: a table of what is flagged, one line per planted feature."""
    rules = ["kldrift", *RULES]
    said = rows.groupby(["feature", "rows", "rule"], sort=False)["severity"].agg(
        lambda values: (
            values.iloc[0]
            if values.nunique() == 1
            else " / ".join(f"{v} ({n})" for v, n in values.value_counts().items())
        )
    )
    wanted = (
        dict.fromkeys(QUIET, "ok")
        | dict.fromkeys(WARNING, "warning")
        | dict.fromkeys(CRITICAL, "critical")
    )
    head = ["planted", "wanted", *(f"{rule}, {size:,}" for rule in rules for size in SEEDS)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name in dict.fromkeys(rows["feature"]):
        cells = [said[name, size, rule] for rule in rules for size in SEEDS]
        lines.append(f"| {' | '.join([name, wanted.get(name, 'none'), *cells])} |")
    return HEAD + "\n".join(lines) + "\n"


HEAD: Final = """# What is flagged, at what size

Which drifts the default thresholds flag, beside the usual rules of other tools; that they flag no
[halves of real data](halves.md) stands apart.

Made by `python -m tests.bench.evidence`: 12, 24, 3 and 1 seeds, as many rows on both sides. kldrift
judges with the thresholds that a monitor has which states none, each drift as the only one of 50
features, which its correction makes the hardest case; the other columns are the usual rules of
other tools, as their documentation gives them. Where seeds differ, all severities are named, in
brackets of how many seeds. The names say what was planted: `up_0.3` is a shift by 0.3 standard
deviations, `wider_1.2` a spread of 1.2 times, `new_1` one percent of a new category, `nulls_1`
one point of nulls, `spike_3` three percent of one value, `dies` a column that becomes one
sentinel, `top_3x` and `pay_top_3x` the largest one percent of a normal and of a lognormal column
tripled.

A threshold of `js` (nats), of a share (0.005 is half a point) and of the Wasserstein distance in
reference deviations means the same at every size, so that the verdict does too; `kl` stays the
headline number. Where a configuration states thresholds, only these judge.

"""


if __name__ == "__main__":
    PAGE.write_text(page(found()), encoding="utf-8")
