"""A feature's distribution then and now, one over the other.

The area of a bar is its share of the rows: bins are as wide as their range, bounded so that neither
a narrow bin vanishes nor one far tail takes the whole width, and so are whole numbers; other
values, tails, nulls and what the reference never had are bars of one width. What does not fit the
height is cut and says its share.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Final
from unicodedata import east_asian_width

from kldrift.profiles.number_text import percent, plain
from kldrift.reporting.bars import Bar, bars_of, scored
from kldrift.reporting.drawing import LETTER, Drawing, Label, Shape, at, box
from kldrift.reporting.figures import shown
from kldrift.reporting.json_values import Row
from kldrift.scoring.reasons import NOTHING, WEEKDAYS, digits_apart

TALLEST: Final = 2.5
"""A bar is cut where it is so many times as tall as any of the reference's values."""
CAPITAL: Final = 1.3
"""Letters."""
TOP, BELOW = 12.0, 13
"""Pixels for what stands above and below the bars."""
BETWEEN_TICKS: Final = 8
BETWEEN_NAMES: Final = 3
"""Pixels at least."""
WORTH_CUTTING: Final = 4
"""Letters."""
ADDED: Final = 48
"""Pixels for what cells add to the score."""


def histogram(
    feature: str,
    cells: Sequence[Row],
    *,
    width: int = 250,
    height: int = 67,
    large: bool = False,
) -> Drawing | None:
    """Draw a feature's cells; None if there are none.

    A large one has ticks between the ends, words for those who point at a bar, and below it what
    each cell adds to ``kl``.
    """
    bars = bars_of(feature, scored(cells), width)
    if not bars:
        return None
    base = height - BELOW
    most = _tallest(bars)
    shapes = [Shape(style, _outline(bars, style, most, base)) for style in ("then", "now")]
    shapes.append(Shape("axis", f"M0 {at(base)}H{at(bars[-1].x + bars[-1].width)}"))
    cut = [b for b in bars if max(b.then, b.now) / b.width > most * 1.001]
    cut.sort(key=lambda b: -max(b.then, b.now))
    labels = _apart([_cut(b, width) for b in cut])
    labels += [*_ticks(bars, base + 10, large=large), *_names(bars, base + 10)]
    if large:
        shapes += _added(bars, height + ADDED / 2)
        labels.append(Label(bars[-1].x + bars[-1].width + 6, height + ADDED / 2 + 3, "adds to kl"))
        shapes += [Shape("point", box(b.x, 0, b.width, base), _bar_title(b)) for b in bars]
    moved = sorted(bars, key=lambda b: -abs(b.now - b.then))[:3]
    about = "; ".join(_bar_title(b) for b in moved)
    title = f"{feature}: shares of rows, then and now"
    return Drawing(width, height + ADDED * large, title, about, shapes, labels)


def _added(bars: Sequence[Bar], middle: float) -> list[Shape]:
    """What each bar adds to the score: up what makes it larger, down what makes it smaller."""
    most = max(abs(b.adds) for b in bars) or 1.0
    half = ADDED / 2 - 2
    marks = [(b, b.adds / most * half) for b in bars]
    more, less = (
        "".join(box(b.x, middle - max(0.0, tall), b.width, abs(tall)) for b, tall in side)
        for side in ([m for m in marks if m[1] > 0], [m for m in marks if m[1] < 0])
    )
    end = at(bars[-1].x + bars[-1].width)
    shapes = [Shape("adds", more), Shape("less", less), Shape("axis", f"M0 {at(middle)}H{end}")]
    return [shape for shape in shapes if shape.path]


def _tallest(bars: Sequence[Bar]) -> float:
    """The share per pixel that takes the whole height."""
    most = max(max(b.then, b.now) / b.width for b in bars) or 1.0
    usual = max((b.then / b.width for b in bars if not b.aside), default=0.0)
    return min(most, TALLEST * usual) if usual else most


def _outline(bars: Sequence[Bar], style: str, most: float, base: float) -> str:
    """The path around the bars of one side; bars that touch have one outline."""
    path, end = "", -1.0
    for bar in bars:
        share = bar.then if style == "then" else bar.now
        tall = min(1.0, share / bar.width / most) * (base - TOP)
        top = base - (max(tall, 1.0) if share else 0.0)
        if abs(bar.x - end) > 0.01:
            path += f"{'V' + at(base) if path else ''}M{at(bar.x)} {at(base)}"
        end = bar.x + bar.width
        path += f"V{at(top)}H{at(end)}"
    return f"{path}V{at(base)}"


def _cut(bar: Bar, width: int) -> Label:
    """The share of a bar that is too tall to be drawn as a whole."""
    text, middle = percent(max(bar.then, bar.now)), _middle(bar)
    if middle + len(text) * LETTER / 2 > width:
        return Label(round(bar.x + bar.width, 1), 9, text, "end")
    return Label(middle, 9, text, "middle")


def _apart(labels: Sequence[Label]) -> list[Label]:
    """Those that lie over none before them."""
    apart: dict[tuple[float, float], Label] = {}
    for label in labels:
        wide = len(label.text) * LETTER
        begin = label.x - (wide if label.anchor == "end" else wide / 2)
        if all(begin + wide <= start or end <= begin for start, end in apart):
            apart[begin, begin + wide] = label
    return [*apart.values()]


def _bar_title(bar: Bar) -> str:
    return f"{bar.name}: {percent(bar.then)} then, {percent(bar.now)} now"


def _middle(bar: Bar) -> float:
    return round(bar.x + bar.width / 2, 1)


def _ticks(bars: Sequence[Bar], y: float, *, large: bool) -> list[Label]:
    """The bounds of bins: of the first and the last, and of those between in a large chart."""
    values = [b for b in bars if not b.aside]
    bins = [b for b in values if b.lower is not None]
    narrow = bool(values) and values[0].width < 2 * LETTER and bool(values[0].below)
    if not bins and not narrow:
        return []
    first, last = values[0], values[-1]
    end, text = last.x + last.width, _bound_words(first, last)
    labels = [Label(first.x, y, text(first, 0)), Label(round(end, 1), y, text(last, -1), "end")]
    free, most = (_pixels(label.text) + BETWEEN_TICKS for label in labels)
    for bar in bins[1:] if large else ():
        half = _pixels(text(bar, 0)) / 2
        if free <= bar.x - half and bar.x + half <= end - most:
            labels.append(Label(round(bar.x, 1), y, text(bar, 0), "middle"))
            free = bar.x + half + BETWEEN_TICKS
    return labels


def _bound_words(first: Bar, last: Bar) -> Callable[[Bar, int], str]:
    """The text of a bar's first or last bound, or its value: what tells the outermost apart.

    Of points in time on several days the day alone, on one day the clock alone.
    """
    ends = (first.ends or (first.below,))[0], (last.ends or (last.below,))[-1]
    days = {end[:10] for end in ends}
    lengths = any(end.endswith((" s", " h", " min", " day", " days")) for end in ends)
    low, high = first.lower or 0.0, last.upper or 0.0
    digits, least = digits_apart(low, high, least=4), NOTHING * (high - low)

    def text(bar: Bar, side: int) -> str:
        if lengths:
            return (bar.ends or (bar.below,))[side]
        if first.ends or last.ends:
            return (bar.ends or (bar.below,))[side][slice(10) if len(days) > 1 else slice(11, 19)]
        bound = bar.upper if side else bar.lower
        if bound is None:
            return shown(bar.below, 12)
        return plain(bound if abs(bound) > least else 0.0, digits)

    return text


def _pixels(text: str) -> float:
    """About how wide a text is drawn: capitals take more, letters of East Asia twice as much."""
    wide = (2.0 if east_asian_width(c) in "WF" else CAPITAL if c.isupper() else 1.0 for c in text)
    return LETTER * sum(wide)


def _fitting(text: str, room: float) -> str:
    """Cut a text to a width in pixels."""
    if _pixels(text) <= room:
        return text
    while text and _pixels(text) + LETTER > room:
        text = text[:-1]
    return f"{text}…"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names(bars: Sequence[Bar], y: float) -> list[Label]:
    """The names of values, categories and bars aside, as far as there is room."""
    labels, free = list[Label](), -math.inf
    bins = any(b.lower is not None for b in bars)
    among = [b for b in bars if b.below and not b.aside and not bins]
    names = _of_values(among)
    same = _same_beginning(among)
    for bar in bars:
        if not bar.below or (bins and not bar.aside):
            continue
        room = max(bar.width, 4 * LETTER) if bar.aside else bar.width - BETWEEN_NAMES
        cut = bool(same) and not bar.aside and bar.below.startswith(same)
        below = f"…{bar.below.removeprefix(same)}" if cut else bar.below
        text = _fitting(below, room) if names is None or bar.aside else names.get(bar.name, "")
        half = _pixels(text) / 2
        if text in ("", "…") or _middle(bar) - half < free:
            continue
        labels.append(Label(_middle(bar), y, text, "middle"))
        free = _middle(bar) + half + 2
    often = Counter(label.text for label in labels)
    return [
        label for label in labels if often[label.text] == 1
    ]  # what is cut to the same is no name


def _same_beginning(bars: Sequence[Bar]) -> str:
    """What all names begin with, where they are too long to stand below their bars as a whole."""
    names = [b.below for b in bars if b.below != "other"]
    pairs = zip(min(names), max(names), strict=False) if len(names) > 1 else ()
    same = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    long = any(_pixels(b.below) > b.width - BETWEEN_NAMES for b in bars)
    return same if long and len(same) >= WORTH_CUTTING else ""


def _of_values(bars: Sequence[Bar]) -> dict[str, str] | None:
    """The labels below bars of numbers and days; None below others.

    The first digits of a number say something else, those letters of a day do not. Where bars are
    very narrow, the first and the last have their bounds, see `_ticks`.
    """
    if not bars:
        return None
    if min(b.width for b in bars) < 2 * LETTER:
        return {}
    narrowest = min(b.width for b in bars) - BETWEEN_NAMES
    widest = max(_pixels(b.below) for b in bars)
    if all(b.below in WEEKDAYS.values() for b in bars):
        return {b.name: b.below if widest <= narrowest else b.below[:3] for b in bars}
    if not all(_is_number(b.below) for b in bars):
        return None
    each = math.ceil((widest + BETWEEN_NAMES) / (narrowest + BETWEEN_NAMES))
    return {b.name: b.below for b in bars[::each]}
