"""A page: one self-contained HTML file, or a fragment of one for a notebook.

Text is escaped by the template, and invisible characters are shown as a sign wherever they come
from; the page's only script is known by its hash, so that nothing else runs.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from kldrift.reporting.blocks import Block, Chart
from kldrift.reporting.drawing import Drawing, Shape
from kldrift.reporting.entries import Card, Entry
from kldrift.reporting.figures import visible
from kldrift.reporting.order import STATED
from kldrift.reporting.plots import SIGNS

DRAWN: Final = 50
"""Rows whose charts stand on the page; the others are drawn when they come into view."""
MOST_SKIPPED: Final = 200
SVG_RULES: Final = re.compile(r"(?<![>\]] )\.kldrift (?:\{|path|svg text)[^}]*\}")
"""The rules of the style sheet that charts need."""
DARK_COLOURS: Final = re.compile(r"prefers-color-scheme: dark\)[^>]*> \.kldrift (\{[^}]*\})")


RIGHT_TO_LEFT: Final = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"
NAMES: Final = re.compile(f"{RIGHT_TO_LEFT}(?:[^,;:()&<]*{RIGHT_TO_LEFT})?")
"""Words of a sentence that are read from right to left: what is beside them keeps its place."""
FIGURES: Final = re.compile(r"\d[\d.,]* %|(?:[pq] (?:&lt; )?)?\d[\d.]*e-\d+")
"""What no line may end within: a share, a number with an exponent, a likelihood; as HTML."""


LIMITS: Final = (
    ("limit-warning", "warning"),
    ("limit-critical", "critical"),
    ("chance", "what chance alone gives"),
)
KEY: Final = (("then", "then, the reference"), ("now", "now"), *LIMITS)


@dataclass(frozen=True)
class Page:
    """The contents of a page.

    Attributes:
        lead: what is worst, where, since when, how sure.
        damaged: which later windows cannot be read, and why; empty for none.
        health: what was read, how long it took.
        total: how many rows there are; more than in the cards if there was no room for all.
        about: how to read the scores.
        key: what is drawn in charts, and what it stands for.
        heat: severities by row and window.
        whole_heat: the same of all rows, drawn on demand.
        sections: what stands below the rows.
        left_out: a heading for it.
    """

    title: str
    verdict: str
    lead: str
    cards: Sequence[Card]
    total: int
    about: str
    failed: str = ""
    damaged: str = ""
    notes: Sequence[str] = ()
    health: Sequence[tuple[str, str]] = ()
    noun: str = "feature"
    key: Sequence[tuple[str, str]] = KEY
    heat: Chart | None = None
    whole_heat: Chart | None = None
    sections: Sequence[Block] = ()
    skipped: Sequence[tuple[str, str]] = ()
    left_out: str = "Not monitored"

    @property
    def entries(self) -> list[Entry]:
        """The rows: the first of each card, then the others."""
        by_place = dict(pair for card in self.cards for pair in card.entries)
        return [by_place[place] for place in sorted(by_place)]


LEGEND: Final = {
    style: Drawing(26, 10, word, "", [Shape(style, path)])
    for style, word, path in (
        ("then", "grey area", "M0 1h26v8h-26z"),
        ("now", "outlined bar", "M1 1h24v8h-24z"),
        ("limit-warning", "dashed line", "M0 5h26"),
        ("limit-critical", "line", "M0 5h26"),
        ("chance", "hatched band", "M0 1h26v8h-26z"),
    )
}


def whole_page(page: Page) -> str:
    """Return a page as HTML."""
    return _rendered(
        "page.html.j2",
        page=page,
        drawn=DRAWN,
        opened=True,
        data=_script_data([e.data() for e in page.entries[DRAWN:]], page.whole_heat),
        script=Markup(_text("page.js")),
        script_hash=base64.b64encode(hashlib.sha256(_text("page.js").encode()).digest()).decode(),
    )


def fragment(page: Page, *, rows: int) -> str:
    """Return the first rows of a page, to be embedded as in a notebook: without a script."""
    return _rendered("fragment.html.j2", page=page, rows=rows, drawn=rows, opened=False)


def lines_html(lines: Sequence[str], drawing: Drawing | None = None) -> str:
    """Return lines of text as they stand, below a drawing, for a notebook."""
    return _rendered("lines.html.j2", lines=lines, drawing=drawing)


def svg_file(drawing: Drawing, *, dark: bool, size: tuple[int, int] | None = None) -> str:
    """Return a drawing as a standalone SVG."""
    style = _text("page.css")
    rules = SVG_RULES.findall(style)
    rules += [f".kldrift {colours}" for colours in DARK_COLOURS.findall(style) if dark]
    style = Markup("\n".join(rules))
    width, height = size or (drawing.width, drawing.height)
    known = {"drawing": drawing, "dark": dark, "rules": style, "width": width, "height": height}
    return _rendered("drawing.svg.j2", **known)


def _script_data(rows: Sequence[Any], heat: Chart | None) -> str:
    """Compressed JSON: a fifth of the size, without characters of markup."""
    value = {"first": DRAWN, "rows": rows, "heat": None if heat is None else heat.data()}
    text = json.dumps(_visible(value), allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _visible(item) for key, item in value.items()}
    return [_visible(item) for item in value] if isinstance(value, list | tuple) else value


@cache
def _environment() -> Environment:
    made = Environment(
        autoescape=True,
        loader=FunctionLoader(_text),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    made.filters["unbroken"] = _unbroken
    made.globals.update(signs=SIGNS, legend=LEGEND, order=STATED, most_skipped=MOST_SKIPPED)
    made.globals["style"] = Markup(_text("page.css"))
    return made


def _unbroken(text: str) -> Markup:
    """A sentence whose figures stand on one line each, and its names in their own direction."""
    escaped = NAMES.sub(r"<bdi>\g<0></bdi>", str(escape(visible(text))))
    return Markup(FIGURES.sub(r'<span class="figure">\g<0></span>', escaped))


def _rendered(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


@cache
def _text(name: str) -> str:
    return (files("kldrift.reporting") / "templates" / name).read_text(encoding="utf-8")
