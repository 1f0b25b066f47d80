"""One feature's distribution then and now, as an SVG of bars.

It is drawn with ``currentColor`` and two tones that stand out on white and on black alike, so that
a dark notebook needs no second version.  The tones differ in lightness and in blue, which every
kind of colour blindness leaves; grey is the reference, and it is always the upper bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

REFERENCE: Final = "#999999"
CURRENT: Final = "#0072b2"
SIDES: Final = ("rows_reference", "rows_current")

SHOWN: Final = 8  # cells; the others are one line
WIDTH, LABEL, BAR, ROW, THICK = 470, 165, 180, 26, 9
SIGN: Final = "…"


def chart(name: str, cells: Sequence[Mapping[str, Any]]) -> str:
    """Return the bars of the cells that contribute most to a feature's divergence.

    Args:
        name: the feature, for those who hear the page.
        cells: rows of ``drift_cells`` of one feature.
    """
    scored = [cell for cell in cells if cell["contribution"] is not None]
    moved = sorted(scored, key=lambda cell: -abs(cell["contribution"]))
    shown = sorted(moved[:SHOWN], key=lambda cell: cell["cell"])
    rows = [sum(cell[side] for cell in scored) or 1 for side in SIDES]

    def shares(some: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
        """Those of the rows: probabilities are smoothed, and no reader could count them."""
        then, now = (sum(c[side] for c in some) / n for side, n in zip(SIDES, rows, strict=True))
        return then, now

    lines = [(cell_name(cell), *shares([cell]), _tip(cell)) for cell in shown]
    if rest := moved[SHOWN:]:
        lines.append((f"{len(rest)} other cells", *shares(rest), "the cells that moved less"))
    longest = max((max(line[1], line[2]) for line in lines), default=0.0) or 1.0
    bars = "".join(
        _bars(place, label, (then, now), longest, tip)
        for place, (label, then, now, tip) in enumerate(lines)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {ROW * len(lines)}" width="{WIDTH}" role="img" '
        f'aria-label="share of rows per cell of {text(name)}, reference and current">{bars}</svg>'
    )


def joint_chart(name: str, cells: Sequence[Mapping[str, Any]]) -> str:
    """Return the features and pairs that add most to a joint group's divergence.

    Args:
        name: the group, for those who hear the page.
        cells: rows of ``drift_cells`` of one group.
    """
    moved = sorted(cells, key=lambda cell: -abs(cell["contribution"]))
    rest = moved[SHOWN:]
    if rest:
        said = {
            "label": f"{len(rest)} others",
            "contribution": sum(c["contribution"] for c in rest),
        }
        moved = [*moved[:SHOWN], said]
    longest = max((abs(cell["contribution"]) for cell in moved), default=0.0) or 1.0
    bars = "".join(
        _nats(place, cell, abs(cell["contribution"]) / longest) for place, cell in enumerate(moved)
    )
    height = ROW * len(moved)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" '
        f'aria-label="what each feature and pair adds to {text(name)}">{bars}</svg>'
    )


def shift_chart(name: str, cells: Sequence[Mapping[str, Any]]) -> str:
    """Return the distribution of the rows' divergences as bars.

    Args:
        name: the segment, for those who hear the page.
        cells: rows of ``drift_cells`` of one segment of a model shift.
    """
    longest = max((cell["probability_current"] for cell in cells), default=0.0) or 1.0
    bars = "".join(_shares(place, cell, longest) for place, cell in enumerate(cells))
    height = ROW * len(cells)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" '
        f'aria-label="share of rows by divergence, {text(name)}">{bars}</svg>'
    )


def _shares(place: int, cell: Mapping[str, Any], longest: float) -> str:
    top, share = place * ROW + 3, cell["probability_current"]
    said = f"{percent(share)} of rows, {cell['contribution']:.3g} nats"
    bar = max(0.5, share / longest * BAR * 0.6)
    lower, upper = cell["lower"], cell["upper"]
    label = cell_name(cell)
    if lower is not None and upper is not None:  # cells double in width: two digits tell them apart
        label = f"{lower:.2g} to {upper:.2g}"
    return (
        f"<g><title>{text(label)}: {cell['rows_current']:,} rows</title>"
        f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end">{text(label, 26)}</text>'
        f'<rect x="{LABEL}" y="{top + 4}" width="{bar:.1f}" height="{THICK + 3}" '
        f'fill="{CURRENT}"/><text x="{LABEL + bar + 8:.1f}" y="{top + 13}">{text(said)}</text></g>'
    )


def _nats(place: int, cell: Mapping[str, Any], share: float) -> str:
    top, label = place * ROW + 3, str(cell["label"])
    said = f"{cell['contribution']:+.3g} nats"
    before, now = cell.get("correlation_reference"), cell.get("correlation_current")
    if before is not None and now is not None:
        said += f", r {before:.2f} → {now:.2f}"
    bar = max(0.5, share * BAR * 0.6)
    return (
        f"<g><title>{text(label)}: {text(said)}</title>"
        f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end">{text(label, 26)}</text>'
        f'<rect x="{LABEL}" y="{top + 4}" width="{bar:.1f}" height="{THICK + 3}" '
        f'fill="{CURRENT}"/><text x="{LABEL + bar + 8:.1f}" y="{top + 13}">{text(said)}</text></g>'
    )


def _bars(place: int, label: str, shares: tuple[float, float], longest: float, tip: str) -> str:
    top = place * ROW + 3
    moved = " → ".join(map(percent, shares))
    then, now = (max(0.5, share / longest * BAR) if share else 0.0 for share in shares)
    return (
        f"<g><title>{text(label)}: {text(tip)}</title>"
        f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end">{text(label, 26)}</text>'
        f'<rect x="{LABEL}" y="{top}" width="{then:.1f}" height="{THICK}" fill="{REFERENCE}"/>'
        f'<rect x="{LABEL}" y="{top + THICK}" width="{now:.1f}" height="{THICK}" fill="{CURRENT}"/>'
        f'<text x="{LABEL + BAR + 8}" y="{top + 13}">{escape(moved)}'
        "</text></g>"
    )


def _tip(cell: Mapping[str, Any]) -> str:
    return (
        f"{cell['rows_reference']:,} → {cell['rows_current']:,} rows, "
        f"adds {cell['contribution']:.3g} nats to kl"
    )


def cell_name(cell: Mapping[str, Any]) -> str:
    """Name a cell by the values in it; only a category stands in quotes.

    So the category "null" and the cell of nulls look different.

    Examples:
        >>> cell_name({"cell_kind": "bin", "lower": 0.5, "upper": 1.0, "label": None})
        '0.5 to 1'
        >>> cell_name({"cell_kind": "category", "lower": None, "upper": None, "label": "null"})
        '"null"'
        >>> cell_name({"cell_kind": "null", "lower": None, "upper": None, "label": None})
        'null'
    """
    kind, lower, upper, label = (cell[key] for key in ("cell_kind", "lower", "upper", "label"))
    if kind == "category":
        return f'"{label}"'
    if kind == "value":
        return str(label)
    if lower is None and upper is None:
        return _FLOW.get(str(kind), str(kind))
    if lower is None:
        return f"below {number(upper)}"
    if upper is None:
        return f"{number(lower)} and above"
    # More digits where a mean of 1e9 has a spread of 1.
    digits = 6 if number(lower) != number(upper) else 17
    return f"{number(lower, digits)} to {number(upper, digits)}"


_FLOW: Final[Mapping[str, str]] = {
    "nan": "NaN",
    "other": "other categories",
    "underflow": "below the reference",
    "overflow": "above the reference",
    "negative_infinity": "-infinity",
    "positive_infinity": "infinity",
    "bin": "any number",
    "infinite": "infinite",
}


def text(value: object, most: int = 80) -> str:
    """Return text from data for a page: shortened, escaped, invisible characters shown.

    Control characters, also those that turn the direction of writing, become a sign.

    Examples:
        >>> text("<b>" + chr(0) + "x" * 9, most=6)
        '&lt;b&gt;\ufffdx…'
    """
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in str(value)[: most + 1])
    return escape(shown if len(shown) <= most else shown[: most - 1] + SIGN)


def percent(share: float) -> str:
    """Return a share as a person reads it.

    Examples:
        >>> percent(0.2314), percent(0.0), percent(0.00004)
        ('23.1 %', '0 %', '<0.1 %')
    """
    if 0 < share < 0.0005:
        return "<0.1 %"
    return f"{share:.1%}".replace("%", " %") if share else "0 %"


def number(value: float, digits: int = 6) -> str:
    """Return a bound without the digits that only arithmetic put there.

    Examples:
        >>> number(0.1 + 0.2), number(250_000.0), number(-0.0)
        ('0.3', '250000', '0')
    """
    return f"{value + 0.0:.{digits}g}"
