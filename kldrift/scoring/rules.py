"""The rules of scoring and judging, as a configuration sets them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """How counts become scores, and scores verdicts.

    Attributes:
        pseudocount: rows added to each cell that has rows on either side.
        missing: ``cell`` compares nulls and NaN as cells, ``exclude`` leaves them out.
        min_rows: with fewer rows on either side there is no score.
        alpha: largest false discovery rate.
        corrected: whether p-values are corrected for the number of tests of the run.
    """

    pseudocount: float = 0.5
    missing: str = "cell"
    min_rows: int = 2
    alpha: float = 0.01
    corrected: bool = True
