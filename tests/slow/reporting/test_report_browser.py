"""The report in a real browser: no error, no request, and what a person does with it."""

from __future__ import annotations

import pytest
from browser import CHROMIUM, WITHOUT, browser
from report_sample import ATTACK, NAMES, hostile, page_of, two_causes

from kldrift.reporting.figures import visible
from kldrift.reporting.page import DRAWN, whole_page
from kldrift.reporting.result import Result

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)

WIDTHS = (1280, 500, 360)
ROWS = "[...document.querySelectorAll('.row')]"
SHOWN = f"{ROWS}.filter(r => !r.hidden).map(r => r.querySelector('.name').textContent)"


RIGHTMOST = """Math.max(0, ...[...document.querySelectorAll(
    '.row > *, .row p, .row section, .charts svg')].map(e => e.getBoundingClientRect().right))"""


@pytest.fixture(scope="module")
def tab():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    result = hostile()
    none = Result(result.scores.head(0), result.cells.head(0))
    calm = Result(result.scores.assign(severity="ok"), result.cells)
    made = {
        "hostile": page_of(result, windows=10),
        "many": page_of(result, windows=5, times=5),
        "nothing": page_of(none),
        "calm": page_of(calm),
        "causes": page_of(two_causes(), windows=4, times=30),
    }
    for name, page in made.items():
        (folder / f"{name}.html").write_text(whole_page(page), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["hostile", "many", "nothing", "calm", "causes"])
def test_a_page_logs_nothing_asks_no_network_and_fits_its_width(tab, pages, name):
    for width in WIDTHS:
        tab.open(pages / f"{name}.html", width)
        assert tab.troubles() == []
        tab.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
        tab.run("new Promise(f => setTimeout(f, 50))")
        assert tab.run("document.documentElement.scrollWidth") <= width
        # A row that is not drawn yet hides what is wider than it is.
        assert tab.run(RIGHTMOST) <= width
    assert tab.run("document.querySelectorAll('img, iframe, object, a').length") == 0
    assert tab.run("document.scripts.length") == 2
    assert tab.troubles() == []


def test_names_of_the_data_are_text(tab, pages):
    tab.open(pages / "hostile.html")
    shown = tab.run(SHOWN)
    assert visible(ATTACK) in shown
    assert {*NAMES[1:2], *NAMES[3:]} <= set(shown)


def test_rows_after_the_first_are_drawn_when_they_are_looked_at(tab, pages):
    tab.open(pages / "many.html")
    place = tab.run(f"{ROWS}.findLastIndex(r => r.textContent.includes('quiet'))")
    assert place > DRAWN
    last = f"{ROWS}[{place}]"
    assert tab.run(f"{last}.querySelectorAll('svg').length") == 0
    tab.run(f"{last}.scrollIntoView()")
    tab.run("new Promise(f => setTimeout(f, 200))")
    assert tab.run(f"{last}.querySelectorAll('svg').length") >= 2
    tab.run(f"{last}.querySelector('details').open = true")
    tab.run("new Promise(f => setTimeout(f, 50))")
    assert tab.run(f"{last}.querySelectorAll('section').length") >= 3
    first, late = (f"{ROWS}[{i}].querySelector('.charts svg').outerHTML" for i in (0, place))
    for part in ('role="img"', 'aria-label="', "<desc>", 'class="then"'):
        assert part in tab.run(first)
        assert part in tab.run(late)
    before = tab.run("document.querySelectorAll('.heat text').length")
    tab.run("document.querySelector('button.all').click()")
    assert tab.run("document.querySelectorAll('.heat text').length") > before
    assert tab.troubles() == []


def test_rows_are_searched_filtered_and_sorted(tab, pages):
    tab.open(pages / "hostile.html")
    every = tab.run(SHOWN)

    def event(name):
        return f"form.elements.{name}.dispatchEvent(new Event('input', {{bubbles: true}}))"

    tab.run("globalThis.form = document.querySelector('form'); undefined")
    tab.run(f"form.elements.search.value = 'QUIET'; {event('search')}")
    assert tab.run(SHOWN) == ["quiet"]
    assert tab.run("document.querySelector('output').textContent") == f"1 of {len(every)} shown"
    tab.run(f"form.elements.search.value = ''; {event('search')}")
    tab.run("document.querySelector('input[value=critical]').click()")
    assert 0 < len(tab.run(SHOWN)) < len(every)
    tab.run("document.querySelector('input[value=critical]').click()")
    sort = "form.elements.sort.dispatchEvent(new Event('change', {bubbles: true}))"
    tab.run(f"form.elements.sort.value = 'name'; {sort}")
    names = tab.run(SHOWN)
    assert names.index("age") < names.index("price") < names.index("sick")
    tab.run(f"form.elements.sort.value = 'worst'; {sort}")
    assert tab.run(SHOWN) == every


def test_a_cause_is_one_card_that_opens_by_hand_by_search_by_address_and_on_paper(tab, pages):
    place = "document.querySelector('.cause')"
    closed = f"{place}.querySelectorAll('.row').length && !{place}.querySelector('.inside').open"
    seen = f"{ROWS}.filter(r => r.checkVisibility()).map(r => r.querySelector('.name').textContent)"
    settled = "new Promise(f => setTimeout(f, 200))"
    tab.open(pages / "causes.html")
    assert tab.run(closed) is True
    assert tab.run(f"{place}.querySelector('h2').textContent").split(" features: ")[0][-2:] == "90"
    assert not {"a", "b", "c"} & set(tab.run(seen))

    tab.run(f"{place}.querySelector('summary').focus()")
    tab.press("Enter")
    assert {"a", "b", "c"} <= set(tab.run(seen))
    late = f"[...{place}.querySelectorAll('.row')].at(-1)"
    tab.run(f"{late}.scrollIntoView()")
    tab.run(settled)
    assert tab.run(f"{late}.querySelectorAll('.charts svg').length") >= 2
    tab.run(f"{late}.querySelector('.more').open = true")
    tab.run(settled)
    levels = f"[...{late}.querySelectorAll(':is(h2, h3, h4)')].map(h => h.localName)"
    assert set(tab.run(levels)) == {"h3", "h4"}

    tab.open(pages / "causes.html")
    event = "form.elements.search.dispatchEvent(new Event('input', {bubbles: true}))"
    tab.run("globalThis.form = document.querySelector('form'); undefined")
    tab.run(f"form.elements.search.value = 'd'; {event}")
    tab.run(f"form.elements.search.value = 'the same rows'; {event}")
    assert tab.run(closed) is True  # said of all of them
    assert tab.run("document.querySelector('output').textContent").startswith("90 of ")
    sort = "form.elements.sort.dispatchEvent(new Event('change', {bubbles: true}))"
    tab.run(f"form.elements.search.value = ''; form.elements.sort.value = 'name'; {sort}; {event}")
    names = tab.run(SHOWN)
    assert names == sorted(names)
    tab.run("document.querySelector('input[value=critical]').click()")
    assert tab.run(f"{place}.hidden") is True

    tab.open(pages / "causes.html")
    tab.run("location.hash = encodeURIComponent('c  ')")
    tab.run(settled)
    assert "c  " in tab.run(seen)
    found = "document.querySelector('.more[open]').closest('.row').querySelector('.name')"
    assert tab.run(f"{found}.textContent") == "c  "
    tab.run(f"{late}.querySelector('.more').open = true")
    tab.run(settled)
    assert tab.run(
        f"location.hash == '#' + encodeURIComponent({late}.querySelector('.name').textContent)"
    )

    tab.open(pages / "causes.html")
    tab.call("Emulation.setEmulatedMedia", media="print")
    try:
        tab.run("dispatchEvent(new Event('beforeprint'))")
        assert {"a", "b", "c"} <= set(tab.run(seen))
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")
    assert tab.troubles() == []


def test_everything_is_reached_with_the_keyboard(tab, pages):
    tab.open(pages / "calm.html")
    controls = tab.run("document.querySelectorAll('input, select, main > details').length")
    tab.press(*["Tab"] * (controls + 1))
    assert tab.run("document.activeElement.localName") == "summary"
    tab.press("Enter")
    assert tab.run("document.activeElement.parentElement.open") is True


def test_every_picture_and_control_has_a_name(tab, pages):
    tab.open(pages / "hostile.html")
    told = ("image", "textbox", "searchbox", "checkbox", "combobox", "button", "DisclosureTriangle")
    for _ in range(50):  # the tree follows what is drawn
        nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
        found = [n for n in nodes if n.get("role", {}).get("value") in told and not n["ignored"]]
        if all(n.get("name", {}).get("value") for n in found):
            break
        tab.call("Page.captureScreenshot")  # draws, also where the machine is busy
    assert len(found) > 40
    assert [n for n in found if not n.get("name", {}).get("value")] == []
    names = [n["name"]["value"] for n in found if n["role"]["value"] == "DisclosureTriangle"]
    assert "more about age" in names  # the first row, which is drawn on any screen


def test_the_page_says_what_matters_without_its_script(tab, pages):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(pages / "many.html", scripts=False)
        assert tab.run("document.querySelector('form').checkVisibility()") is False
        assert tab.run("document.querySelectorAll('.row .charts svg').length") > 2 * DRAWN
        assert f"after the first {DRAWN}" in tab.run("document.body.innerText")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(tab, pages, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    tab.call("Emulation.setEmulatedMedia", features=[feature])
    try:
        tab.open(pages / "hostile.html")
        lightness = """
        ['backgroundColor', 'color'].map(key => {
            const canvas = document.createElement('canvas').getContext('2d');
            canvas.fillStyle = getComputedStyle(document.body)[key];
            canvas.fillRect(0, 0, 1, 1);
            return canvas.getImageData(0, 0, 1, 1).data[0];
        })"""
        back, ink = tab.run(lightness)
        assert abs(back - ink) > 200
        assert (back < ink) == (scheme == "dark")
    finally:
        tab.call("Emulation.setEmulatedMedia", features=[])


def test_colours_that_a_notebook_gives_to_texts_do_not_reach_a_result(tab, pages):
    elements = "p, summary, h1, h2, h3, dt, dd, li, td, th, pre, bdi, span, table"
    dark = "<body style='background: #111; color: #eee'>"
    host = f"<!doctype html><meta charset=utf-8><style>{elements} {{ color: #222 }}</style>{dark}"
    page = pages / "notebook.html"
    page.write_text(f"{host}{hostile()._repr_html_()}")
    tab.open(page, scripts=False)
    of_texts = """[...new Set([...document.querySelectorAll('.kldrift *')]
        .filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
        .filter(e => !e.matches('style, .sign'))
        .map(e => getComputedStyle(e).color))]"""
    assert tab.run(of_texts) == ["rgb(238, 238, 238)"]


def test_names_of_styles_that_many_pages_have_do_not_reach_a_result(tab, pages):
    host = """<!doctype html><meta charset=utf-8><style>
    .card { background: #fff; border: 9px solid } .row > * { width: 100%; padding: 0 50px }
    </style><body style='background: #111; color: #eee'>"""
    page = pages / "host.html"
    page.write_text(f"{host}{two_causes()._repr_html_()}")
    tab.open(page, scripts=False)
    backs = "[...document.querySelectorAll('li')].map(e => getComputedStyle(e).backgroundColor)"
    assert set(tab.run(backs)) == {"rgba(0, 0, 0, 0)"}
    left = "e => Math.round(e.getBoundingClientRect().left)"
    heads = f"[...document.querySelectorAll('li h2')].map({left})"
    assert len(set(tab.run(heads))) == 1


def test_on_a_phone_a_chart_begins_where_the_text_does_though_there_is_none_before_it(tab, pages):
    tab.open(pages / "hostile.html", 390)
    tab.run("document.querySelector('.charts .c1').replaceChildren()")  # a row without cells
    left = "e => Math.round(e.getBoundingClientRect().left)"
    first = "[...document.querySelectorAll('.row:first-child :is(.what, .charts svg)')]"
    text, score, *_ = tab.run(f"{first}.map({left})")
    assert text == score


def test_paper_has_no_controls_and_all_charts(tab, pages):
    tab.open(pages / "many.html")
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    colour = "getComputedStyle(document.querySelector('.kldrift')).getPropertyValue('--now')"
    light = tab.run(colour)
    tab.call("Emulation.setEmulatedMedia", media="print", features=[dark])
    try:
        assert tab.run(colour) == light
        assert tab.run("document.querySelector('form').checkVisibility()") is False
        tab.run("dispatchEvent(new Event('beforeprint'))")
        assert tab.run(f"{ROWS}.every(r => r.querySelectorAll('svg').length)") is True
    finally:
        tab.call("Emulation.setEmulatedMedia", media="", features=[])
