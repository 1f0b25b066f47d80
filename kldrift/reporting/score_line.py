"""A score on a line: its limits, its interval, and what chance alone gives."""

from __future__ import annotations

from typing import Final

from kldrift.reporting.drawing import IN_ROW, LETTER, LEVELS, Drawing, Label, Shape, at, box
from kldrift.reporting.figures import feature_words, figure, metric_words
from kldrift.reporting.json_values import Row
from kldrift.scoring.metrics import LEARNED

LANE: Final = 28
MIDDLE: Final = 8.0
SPARE: Final = 1.12
"""The line ends so far beyond the largest mark."""


def score_line(row: Row) -> Drawing | None:
    """Draw the score of a row; None without one.

    The metric that is held to a limit is on the upper line, below ``kl`` from the windows before,
    where their limit is learnt. ``kl``, which has an interval and a score that chance gives, has a
    line of its own if it is another.
    """
    if row["kl"] is None:
        return None
    metric = str(row.get("metric") or "kl")
    fixed = [row[f"threshold_{level}"] for level in LEVELS]
    lanes: list[tuple[str, list[float | None]]] = [(metric, fixed)]
    if metric != "kl" and row.get(metric) is not None:
        lanes.append(("kl", [None, None]))
    if row.get("limit_learned") is not None and metric != LEARNED:
        lanes.insert(0, (LEARNED, [None, row["limit_learned"]]))
    shapes, labels, texts = list[Shape](), list[Label](), list[str]()
    for place, (name, limits) in enumerate(lanes):
        lane, scale, words = _lane(row, name, limits, place * LANE + MIDDLE)
        shapes += lane
        labels += scale
        texts.append(words)
    return Drawing(
        IN_ROW,
        LANE * len(lanes),
        f"{feature_words(row['feature'])}: score",
        "; ".join(texts),
        shapes,
        labels,
    )


def _under(name: str, score: float, x: float, y: float) -> Label:
    """The score in figures, below its mark."""
    text = f"{metric_words(name)} {figure(score)}{' nats' if name.startswith('kl') else ''}"
    half = len(text) * LETTER / 2
    if x + half > IN_ROW:
        return Label(IN_ROW, y, text, "end")
    return Label(round(x, 1), y, text, "middle") if x > half else Label(0, y, text)


def _lane(
    row: Row, name: str, limits: list[float | None], y: float
) -> tuple[list[Shape], list[Label], str]:
    kl = name == "kl"
    score = row[name]
    low, high = (row["kl_low"], row["kl_high"]) if kl else (None, None)
    chance = row["kl_expected"] if kl else None
    marks: list[float | None] = [score, high, chance, *limits]
    end: float = max(max(m for m in marks if m is not None) * SPARE, 1e-12)

    def x(value: float) -> float:
        return max(0.0, value) / end * IN_ROW

    shapes = [Shape("axis", f"M0 {at(y)}h{IN_ROW}")]
    words = [f"{metric_words(name)} {figure(score)}"]
    if chance is not None:
        shapes.append(Shape("chance", box(0, y - 4, max(1.0, x(chance)), 8)))
        words.append(f"by chance {figure(chance)}")
    if low is not None and high is not None:
        shapes.append(Shape("interval", f"M{at(x(low))} {at(y)}H{at(x(high))}"))
        words.append(f"90 % interval {figure(low)} to {figure(high)}")
    for level, limit in zip(LEVELS, limits, strict=True):
        if limit is not None:
            shapes.append(Shape(f"limit-{level}", f"M{at(x(limit))} {at(y - 7)}v11"))
            words.append(f"{level} above {figure(limit)}")
    shapes.append(Shape("score", box(x(score) - 2.5, y - 2.5, 5, 5)))
    labels = [_under(name, score, x(score), y + 14)]
    return shapes, labels, ", ".join(words)
