"""A small chart: shapes and labels, without colours and without markup.

The page's template writes it as inline SVG; where there are too many charts to write them all, the
same shapes are data, of which the page's script makes the same SVG on demand.  So there is one
implementation of every chart, and no text of the data is ever markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

LETTER: Final = 5.2
"""Pixels of a letter, about."""
IN_ROW: Final = 170
"""Pixels of a chart that stands in a row of the page."""
LEVELS: Final = ("warning", "critical")
"""The limits that charts show; their styles are ``limit-warning`` and ``limit-critical``."""


@dataclass(frozen=True)
class Shape:
    """One path.

    Attributes:
        style: what it shows, as a class of the style sheet: ``then``, ``now``, ``limit``.
        path: as SVG writes it.
        tip: said when someone points at it.
    """

    style: str
    path: str
    tip: str = ""


@dataclass(frozen=True)
class Label:
    """A text at a place; ``anchor`` is ``start``, ``middle`` or ``end``."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    style: str = ""


@dataclass(frozen=True)
class Drawing:
    """A chart; ``title`` and ``about`` are for those who hear the page."""

    width: int
    height: int
    title: str
    about: str
    shapes: Sequence[Shape] = ()
    labels: Sequence[Label] = ()

    def data(self) -> list[Any]:
        """The drawing as a JSON value: places instead of names, for there are many."""
        return [
            self.width,
            self.height,
            self.title,
            self.about,
            [[s.style, s.path, s.tip] if s.tip else [s.style, s.path] for s in self.shapes],
            [[t.x, t.y, t.text, t.anchor, t.style] for t in self.labels],
        ]


def at(value: float) -> str:
    """A coordinate without digits that nobody sees.

    Examples:
        >>> at(12.0), at(3.14159), at(-0.04)
        ('12', '3.1', '0')
    """
    return f"{round(value, 1) + 0.0:g}"


def box(x: float, y: float, width: float, height: float) -> str:
    """The path of a rectangle.

    Examples:
        >>> box(1, 2, 3.5, 4)
        'M1 2h3.5v4h-3.5z'
    """
    return f"M{at(x)} {at(y)}h{at(width)}v{at(height)}h{at(-width)}z"
