"""Scores over windows: one feature as a line, many as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from kldrift.reporting.drawing import IN_ROW, LETTER, LEVELS, Drawing, Label, Shape, at, box
from kldrift.reporting.figures import (
    begin_name,
    feature_words,
    figure,
    in_a_row,
    many,
    metric_words,
    shown,
    window_name,
)
from kldrift.reporting.past import DRIFTED, Past, judged_in, streaks
from kldrift.scoring.alerts import Key

TICK: Final = {"critical": 6.0, "warning": 3.0}
"""Height of the mark of a window that drifted: told apart without colour."""
NAME: Final = 190
ROW: Final = 16
HEAD: Final = 16
HEAT_WIDTH: Final = 760
HEIGHT, LETTERS = 48, 11
"""Of a line over windows, and of the names of its ends below it."""


def sparkline(
    name: str,
    scores: Sequence[float | None],
    severities: Sequence[str | None],
    limits: Sequence[float | None],
    metric: str = "kl",
    ends: tuple[str, str] = ("", ""),
) -> Drawing | None:
    """Draw a score over places of windows, from one end to the other; None for fewer than two."""
    known = [s for s in scores if s is not None]
    if len(scores) < 2 or not known:
        return None
    base = HEIGHT - 8.0
    places = zip((0, IN_ROW), ends, ("start", "end"), strict=True)
    labels = [Label(x, HEIGHT + LETTERS, end, anchor) for x, end, anchor in places if end]
    if len("".join(ends)) * LETTER > IN_ROW:
        labels = labels[1:]
    levels = [limit for limit in limits if limit is not None]
    most = max([*known, *levels]) * 1.05 or 1.0
    step = IN_ROW / len(scores)

    def y(value: float) -> float:
        return base - max(0.0, value) / most * (base - 2)

    shapes = [Shape("axis", f"M0 {at(base)}h{IN_ROW}")]
    for level, limit in zip(LEVELS, limits, strict=True):
        if limit is not None:
            shapes.append(Shape(f"limit-{level}", f"M0 {at(y(limit))}h{IN_ROW}"))
    line, pen = "", "M"
    for i, score in enumerate(scores):
        if score is None:
            pen = "M"
            continue
        line += f"{pen}{at((i + 0.5) * step)} {at(y(score))}"
        if pen == "M" and (i + 1 == len(scores) or scores[i + 1] is None):
            line += "h.1"  # a point between gaps
        pen = "L"
    shapes.append(Shape("line", line))
    for level, tall in TICK.items():
        marks = "".join(
            box(i * step, HEIGHT - tall, max(1.0, step - 0.6), tall)
            for i, severity in enumerate(severities)
            if severity == level
        )
        if marks:
            shapes.append(Shape(level, marks))
    drifted = sum(s in DRIFTED for s in severities)
    judged = sum(s is not None for s in severities)
    about = f"drifted in {drifted} of {many(judged, 'window')}; largest {figure(max(known))}"
    title = f"{name}: {metric_words(metric)} over time"
    return Drawing(IN_ROW, HEIGHT + LETTERS + 3, title, about, shapes, labels)


def heat_map(past: Past, features: Sequence[str], zone: str) -> Drawing | None:
    """Draw the worst severity of features by window; None for fewer than two windows."""
    if len(past) < 2 or not features:
        return None
    places = past.slots[-1] + 1
    step = min(24.0, (HEAT_WIDTH - NAME) / places)
    width = round(NAME + step * places) + 2
    paths = {"critical": "", "warning": "", "unscored": ""}
    ok = ""
    tips, labels = list[Shape](), _ends(past, step, zone)
    for row, feature in enumerate(features):
        top = HEAD + row * ROW
        worst = past.worst(feature)
        drawn = past.spread(worst)
        for i, severity in enumerate(drawn):
            if severity in paths:
                paths[severity] += _mark(severity, NAME + i * step, top, step)
        ok += _line([s == "ok" for s in drawn], top + ROW / 2, step)
        labels.append(Label(NAME - 6, top + 11, feature_words(feature, 30), "end"))
        tips.append(
            Shape(
                "point",
                box(0, top, width, ROW),
                history_words(past, worst, feature_words(feature), zone),
            )
        )
    height = HEAD + ROW * len(features)
    shapes = [Shape("ok", ok), *(Shape(s, p) for s, p in paths.items()), *tips]
    shapes = [shape for shape in shapes if shape.path]
    drifted = sum(any(s in DRIFTED for s in past.worst(f)) for f in features)
    about = (
        f"{many(drifted, 'feature')} of {len(features):,} drifted in {many(len(past), 'window')}"
    )
    return Drawing(width, height, "severity by feature and window", about, shapes, labels)


def _mark(severity: str, x: float, top: float, step: float) -> str:
    """Critical fills its square, a warning the lower half, unscored is upright."""
    wide = max(1.0, step - 1)
    if severity == "critical":
        return box(x, top + 1, wide, ROW - 3)
    return box(x, top + 8, wide, 6) if severity == "warning" else box(x, top + 3, 2, 10)


def _line(present: Sequence[bool], y: float, step: float) -> str:
    """A line through the windows in which a condition holds."""
    path = ""
    for i, present_here in enumerate(present):
        if present_here and (i == 0 or not present[i - 1]):
            path += f"M{at(NAME + i * step)} {at(y)}"
        if present_here and (i + 1 == len(present) or not present[i + 1]):
            path += f"H{at(NAME + (i + 1) * step)}"
    return path


def _ends(past: Past, step: float, zone: str) -> list[Label]:
    names = [window_name(past.windows[i], zone, weekday=False) for i in (0, -1)]
    end = NAME + step * (past.slots[-1] + 1)
    labels = [Label(round(end, 1), 11, names[1], "end")]
    if end - NAME > 5.4 * (len(names[0]) + len(names[1])) + 10:
        labels.insert(0, Label(NAME, 11, names[0]))
    return labels


def history_words(past: Past, severities: Sequence[str | None], name: str, zone: str) -> str:
    """When something drifted, in words."""
    drifts = streaks(severities)
    if not drifts:
        return f"{shown(name)}: never drifted"
    spans = [span(past, streak.first, streak.last, zone) for streak in drifts[:-4:-1]]
    more = len(drifts) - len(spans)
    rest = f" and {many(more, 'time')} before" if more > 0 else ""
    total = sum(streak.drifted for streak in drifts)
    windows = many(len(past), "window")
    return f"{shown(name)}: drifted in {total} of {windows}: {'; '.join(spans)}{rest}"


class Since(NamedTuple):
    """Since when something drifts, how it went on and what was before, and for how many windows."""

    begin: str = ""
    lasting: str = ""
    windows: int = 0

    def words(self, alert: str = "") -> str:
        """All that in words, with an alert, which may say the same beginning."""
        said = alert if self.begin and alert.endswith(f"since {self.begin}") else ""
        drifts = said or (f"drifts since {self.begin}" if self.begin else "")
        lasting = ", ".join(filter(None, (drifts, self.lasting)))
        return "; ".join(filter(None, ("" if said else alert, lasting)))


def since(past: Past, key: Key, zone: str) -> Since:
    """Since when a feature drifts, or one of its segments; nothing if it does not."""
    severities = past.severities(key)
    drifts = streaks(severities)
    if len(past) < 2 or not drifts or drifts[-1].last < len(past) - 1:
        return Since()
    *before, last = drifts
    text = in_a_row(len(last), last.drifted)
    text += ", or longer" * (last.first == 0)
    judged = judged_in(severities)
    latest = [severities[i] for i in reversed(judged)]
    critical, others = (
        len([*takewhile(same, latest)]) for same in ("critical".__eq__, "critical".__ne__)
    )
    if 0 < critical < len(last):
        text += f"; critical in the last {'window' if critical == 1 else f'{critical:,}'}"
    elif 0 < others < len(last):
        text += f"; no longer critical since {begin_name(past.windows[judged[-others]], zone)}"
    before = [s for s in before if "critical" in severities[s.first : s.last + 1]]
    if before:
        text += f"; drifted before: {span(past, before[-1].first, before[-1].last, zone)}"
        text += f" and {many(len(before) - 1, 'time')} earlier" * (len(before) > 1)
    return Since(begin_name(past.windows[last.first], zone), text, len(last))


def span(past: Past, first: int, last: int, zone: str) -> str:
    """Some windows in words, by the first and the last."""
    begin = window_name(past.windows[first], zone, weekday=False)
    if first == last:
        return begin
    return f"{begin} to {window_name(past.windows[last], zone, weekday=False)}"
