"""The score of joint features, split over features and pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kldrift.errors import first_names
from kldrift.profiles.number_text import grouped

OWN: Final = 0.25
"""Nats from which a feature that moved by itself takes along how it goes with others."""
MOVED: Final = 0.1
"""From which a correlation moved, on Fisher's scale."""
BY_CHANCE: Final = 4.5
"""Standard errors by which one of a thousand correlations may differ by chance."""
ALONG: Final = " changed, and "
"""Follows the feature that moved most by itself."""


@dataclass(frozen=True)
class JointCell:
    """A feature alone, or a pair of features, and what it adds to the ``kl`` of all together."""

    kind: str
    label: str
    contribution: float
    rows_reference: int
    rows_current: int
    correlation_reference: float | None = None
    correlation_current: float | None = None

    @property
    def moved(self) -> float:
        """How far a pair's correlation moved, on Fisher's scale; 0 where there is none."""
        if self.correlation_reference is None or self.correlation_current is None:
            return 0.0
        both = np.clip([self.correlation_reference, self.correlation_current], -1, 1)
        return float(np.abs(np.diff(np.arctanh(both * (1 - 1e-12)))[0]))

    @property
    def variance(self) -> float:
        """Of the difference of two correlations on Fisher's scale."""
        return 1 / max(1, self.rows_reference) + 1 / max(1, self.rows_current)


@dataclass(frozen=True)
class JointResult:
    """Rows of joint features on both sides, those left out, and their cells; none without a score.

    Attributes:
        rows_reference: rows of the reference.
        rows_current: rows of the current dataset.
        left_out_reference: those of them with a value missing.
        left_out_current: likewise.
        cells: the features alone, then the pairs.
        heavy: names of the features whose tails are too heavy to judge their spread.
        unjudged: what these add to ``kl``.
    """

    rows_reference: int
    rows_current: int
    left_out_reference: int
    left_out_current: int
    cells: tuple[JointCell, ...] = ()
    heavy: tuple[str, ...] = ()
    unjudged: float = 0.0

    @property
    def doubt(self) -> str:
        """Why it cannot be judged, where no part of it that can be judged drifted."""
        return (
            f"{grouped(self.unjudged)} nats come from {first_names(self.heavy, 3)}, whose "
            "spread so few extreme rows make up that it may be chance; cap or transform the "
            "values, such as by their logarithm"
        )


def joint_sentence(cells: Sequence[JointCell], heavy: Sequence[str] = ()) -> str:
    """Whether features changed by themselves or in how they go together, in one plain sentence.

    Of the ``heavy`` ones it is not said, as that may be chance.
    """
    cells = [c for c in cells if not {*c.label.split(" × ")} & {*heavy}]
    alone = [c for c in cells if c.kind == "feature"]
    by_itself = sum(c.contribution for c in alone)
    together = sum(c.contribution for c in cells if c.kind == "pair")
    top = max(alone, key=lambda c: c.contribution, default=None)
    most = _most_moved(cells)
    clear = most is not None and most.moved > max(MOVED, BY_CHANCE * most.variance**0.5)
    if most is not None:  # what chance makes of so many pairs
        together -= len(alone) * (len(alone) - 1) / 4 * most.variance
    if most is not None and together > (min(by_itself, OWN) if clear else by_itself):
        moved = f"correlation {_correlations(most)}"
        one, other = pair = most.label.split(" × ")
        if top is None or top.contribution <= OWN:
            return f"{one} and {other} go together differently: {moved}"
        if clear and top.label not in pair:
            return f"{one} and {other} go together differently, and {top.label} changed: {moved}"
        if clear:
            other = pair[pair[0] == top.label]
            return f"{top.label}{ALONG}how it goes together with {other}: {moved}"
    if top is not None and top.contribution >= by_itself / 2:
        return f"{top.label}{ALONG}hardly how the features go together"
    return "several features changed, each by itself"


def joint_moved(cells: Sequence[JointCell], shown: int, heavy: Sequence[str] = ()) -> str:
    """The sentence about what the features alone and what their dependence add."""
    alone = sorted((c for c in cells if c.kind == "feature"), key=lambda c: -c.contribution)
    pairs = [c for c in cells if c.kind == "pair"]
    top = ", ".join(
        f"{c.label} {grouped(c.contribution)}{' that may be chance' * (c.label in heavy)}"
        for c in alone[:shown]
    )
    text = f"{grouped(sum(c.contribution for c in alone))} nats from features alone ({top})"
    if not pairs:
        return text
    text += f", {grouped(sum(c.contribution for c in pairs))} from their dependence"
    most = _most_moved(cells)
    if most is None:
        return text
    return f"{text}; correlation that moved most: {most.label}, {_correlations(most)}"


def _most_moved(cells: Sequence[JointCell]) -> JointCell | None:
    """The pair whose correlation moved most; None where none is known."""
    known = [c for c in cells if c.correlation_reference is not None]
    return max(known, key=lambda c: c.moved, default=None)


def _correlations(pair: JointCell) -> str:
    reference, current = pair.correlation_reference, pair.correlation_current
    digits = next((d for d in (2, 3, 4) if f"{reference:.{d}f}" != f"{current:.{d}f}"), 6)
    return f"{reference:.{digits}f} -> {current:.{digits}f}"
