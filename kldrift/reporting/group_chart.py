"""What the features and pairs of a joint group add to its divergence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kldrift.reporting.drawing import Drawing, Label, Shape, at, box
from kldrift.reporting.figures import shown, signed
from kldrift.reporting.json_values import Row

MOST: Final = 4
LINE: Final = 16
WIDTH: Final = 250
NAME: Final = 130
LETTERS: Final = 24


def group_chart(name: str, cells: Sequence[Row]) -> Drawing | None:
    """Draw the features and pairs that add most; None if there are none."""
    moved = sorted(cells, key=lambda c: -abs(c["contribution"]))[:MOST]
    if not moved:
        return None
    most = abs(moved[0]["contribution"]) or 1.0
    room = WIDTH - NAME - 6
    paths, labels, texts = {"adds": "", "less": ""}, list[Label](), list[str]()
    for i, cell in enumerate(moved):
        y, added = i * LINE, cell["contribution"]
        wide = max(1.0, abs(added) / most * (room - 44))
        paths["adds" if added >= 0 else "less"] += box(NAME, y + 3, wide, 9)
        labels.append(Label(NAME - 6, y + 11, shown(cell["label"], LETTERS), "end"))
        labels.append(Label(round(NAME + wide + 5, 1), y + 11, signed(added)))
        texts.append(f"{shown(cell['label'], LETTERS)} {signed(added)} nats")
    shapes = [Shape(style, path) for style, path in paths.items() if path]
    height = LINE * len(moved)
    shapes.append(Shape("axis", f"M{NAME} 0V{at(height)}"))
    title = f"{name}: what features and pairs add to kl"
    return Drawing(WIDTH, height, title, "; ".join(texts), shapes, labels)
