"""How groups of features are judged: ``python -m tests.bench.joint`` for ``docs/joint.md``.

It writes the last section of that page.

Normal members, of which one or two may be lognormal. Each figure is a share of pairs of samples;
seeds are fixed, so the same command gives the same page.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kldrift.profiles.comoments import CoMoments
from kldrift.statistics.joint_gaussian import JointScore, joint_score
from tests.bench.calibration import table

Floats = NDArray[np.float64]

PAGE: Final = Path("docs/joint.md")
HEADING: Final = "## Calibration and power"
FEATURES: Final = (5, 20, 50)
ROWS: Final = (1_000, 10_000)
TAILS: Final = ("all normal", "one lognormal", "two lognormal", "all t(5)")
LOGNORMAL: Final = {"one lognormal": 1, "two lognormal": 2}
CHANGES: Final = ("quiet", "3 members +0.3 sd", "correlation 0.6")
LIMIT: Final = 0.1


def draw(rng: np.random.Generator, rows: int, features: int, tails: str) -> Floats:
    """One sample; the lognormal members are the last ones."""
    x = rng.normal(size=(rows, features))
    if tails == "all t(5)":
        x /= np.sqrt(rng.chisquare(5, size=(rows, 1)) / 5)
    first = features - LOGNORMAL.get(tails, 0)
    x[:, first:] = np.exp(x[:, first:])
    return x


def changed(x: Floats, change: str) -> Floats:
    """The same sample with a change of its first members."""
    x = x.copy()
    if change == "3 members +0.3 sd":
        x[:, :3] += 0.3
    elif change == "correlation 0.6":
        x[:, 1] = 0.6 * x[:, 0] + 0.8 * x[:, 1]
    return x


def scores(rows: int, features: int, tails: str, pairs: int) -> dict[str, list[JointScore]]:
    """The scores of pairs of samples, by change."""
    rng = np.random.default_rng([rows, features, TAILS.index(tails)])
    found: dict[str, list[JointScore]] = {change: [] for change in CHANGES}
    pivot = np.zeros(features)
    for _ in range(pairs):
        before, now = (draw(rng, rows, features, tails) for _ in range(2))
        reference = CoMoments.of(before, pivot, diagonal=False)
        for change in CHANGES:
            current = CoMoments.of(changed(now, change), pivot, diagonal=False)
            found[change].append(joint_score(current, reference))
    return found


def rates(found: list[JointScore]) -> list[str]:
    """Divergences and shares of one line of the page."""
    p_values = np.array([score.p_value for score in found])
    kl = np.array([score.kl for score in found])
    expected = np.mean([score.kl_expected for score in found])
    unjudged = np.array([score.unjudged for score in found])
    alarms = (kl - unjudged > LIMIT) & (p_values < 0.01)
    unsure = ~alarms & (unjudged > LIMIT)
    shares = ((p_values < 0.05).mean(), (p_values < 0.01).mean(), alarms.mean(), unsure.mean())
    return [f"{kl.mean():.3f} ({expected:.3f})", " / ".join(f"{100 * s:.0f}" for s in shares)]


def lines(pairs: int) -> Iterator[list[str]]:
    """All lines of the page."""
    cases = list(product(TAILS, FEATURES, ROWS))
    found = {case: scores(case[2], case[1], case[0], pairs) for case in cases}
    for change, tails, features in product(CHANGES, TAILS, FEATURES):
        sizes = (rates(found[tails, features, rows][change]) for rows in ROWS)
        yield [change, tails, f"{features}", *chain.from_iterable(sizes)]


def section(pairs: int) -> str:
    """The section of the page, measured."""
    head = ("change", "members", "features")
    sizes = [name for rows in ROWS for name in (f"kl, {rows:,} rows a side", "in %")]
    return f"""{HEADING}

How often a joint group errs and how often it finds a change, measured by

    python -m tests.bench.joint --pairs {pairs}

Independent normal members, of which none, one or two are lognormal, or all of one multivariate t
distribution of 5 degrees. {pairs:,} pairs of samples a line; `kl` is their mean, in brackets the
mean of `kl_expected`. In %: `p_value` below 0.05 / below 0.01 / an alarm (`p_value` below
0.01, and `kl` above {LIMIT} without what members add whose tails are too heavy to say what is
chance) / not judged, because these add more than {LIMIT}. A change never concerns a lognormal
member.

{table((*head, *sizes), lines(pairs))}
"""


def with_section(page: str, measured: str) -> str:
    """The page with what was measured in the place of its last section."""
    before, heading, _ = page.partition(HEADING)
    if not heading:
        raise SystemExit(f"{PAGE} has no section {HEADING!r}")
    return before + measured


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser("python -m tests.bench.joint", description=__doc__)
    parser.add_argument("--pairs", type=int, default=100, help="of samples a line (100)")
    measured = section(parser.parse_args().pairs)
    PAGE.write_text(with_section(PAGE.read_text(), measured))


if __name__ == "__main__":
    main()
