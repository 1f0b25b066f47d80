"""What the charts of the report draw."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pandas as pd
import pytest

from kldrift.reporting.bars import MOST_BARS, bars_of
from kldrift.reporting.cell_names import cell_name
from kldrift.reporting.drawing import LETTER
from kldrift.reporting.group_chart import group_chart
from kldrift.reporting.histogram import histogram
from kldrift.reporting.page import svg_file
from kldrift.reporting.past import WIDEST_GAP, Past
from kldrift.reporting.score_line import score_line
from kldrift.reporting.timeline import heat_map, sparkline
from kldrift.tables import Window


def cell(kind, then, now, *, lower=None, upper=None, label=None, place=0, adds=0.1):
    return {
        "cell": place,
        "cell_kind": kind,
        "lower": lower,
        "upper": upper,
        "label": label,
        "rows_reference": then,
        "rows_current": now,
        "contribution": adds,
    }


def bins(edges, then, now):
    bounds = zip(edges, edges[1:], then, now, strict=False)
    return [
        cell("bin", m, n, lower=low, upper=high, place=i)
        for i, (low, high, m, n) in enumerate(bounds)
    ]


def area(drawing, style):
    """The area of a path of boxes or of an outline, in pixels."""
    (shape,) = (s for s in drawing.shapes if s.style == style)
    total, x, base, top = 0.0, 0.0, None, 0.0
    for letter, numbers in re.findall(r"([MVH])([-\d. ]*)", shape.path):
        values = [float(v) for v in numbers.split()]
        if letter == "M":
            x, base = values
        elif letter == "V":
            top = values[0]
        else:
            total += (values[0] - x) * (base - top)
            x = values[0]
    return total


def test_bins_are_as_wide_as_their_range_within_bounds():
    bars = bars_of("x", bins([0, 1, 2, 4, 5, 6, 1000], [10] * 6, [10] * 6), 250)
    widths = [bar.width for bar in bars]
    assert widths[2] == pytest.approx(2 * widths[1], rel=1e-6)
    assert widths[5] <= 0.5 * 250  # a far tail does not take it all
    assert sum(widths) == pytest.approx(250)
    assert [bar.x for bar in bars][1] == pytest.approx(widths[0])


def test_whole_numbers_beside_a_bin_are_as_wide_as_a_step_and_one_value_is_narrow():
    whole = [cell("value", 10, 10, lower=v, upper=v, label=str(v), place=v) for v in range(7)]
    tail = cell("bin", 2, 0, lower=6, upper=7, place=7)
    widths = [bar.width for bar in bars_of("passengers", [*whole, tail], 250)]
    assert widths == pytest.approx([250 / 8] * 8)
    zero = cell("value", 50, 50, lower=0, upper=0, label="0")
    inflated = bars_of("x", [zero, *bins([0, 1, 2, 3, 4], [10] * 4, [10] * 4)], 250)
    assert inflated[0].width < inflated[1].width / 10


def test_areas_are_shares_of_the_rows():
    cells = [*bins([0, 1, 3, 4], [10, 20, 10], [5, 10, 25]), cell("null", 0, 8, place=9)]
    drawing = histogram("x", cells)
    assert area(drawing, "then") == pytest.approx(area(drawing, "now"), rel=0.03)


def test_a_bar_that_is_too_tall_is_cut_and_says_its_share():
    cells = [*bins([0, 1, 2, 3, 4, 5], [20] * 5, [1] * 5), cell("null", 0, 95, place=9)]
    assert "95.0 %" in [label.text for label in histogram("x", cells).labels]


def test_shares_of_bars_that_are_cut_do_not_touch():
    """Where nulls are gone, all bins beside them were cut, and their shares lay over each other."""
    edges, then, now = range(19), [5] * 18, [20] * 6 + [110] * 3 + [70] * 9
    drawn = histogram("x", [*bins(edges, then, now), cell("null", 900, 0, place=18)])
    shares = sorted((x.x, x.text) for x in drawn.labels if x.y == 9)
    assert len(shares) > 1
    for (x, text), (after, other) in pairwise(shares):
        assert x + len(text) * LETTER / 2 <= after - len(other) * LETTER / 2


@pytest.mark.parametrize(
    "kinds",
    [{"underflow": "<", "overflow": ">", "null": "null"}, {"nan": "NaN", "never_seen": "new"}],
    ids=["tails", "others"],
)
def test_cells_aside_are_named_and_stand_aside(kinds):
    cells = [cell(kind, 1, 2, lower=5.0, upper=0.0, place=i) for i, kind in enumerate(kinds)]
    cells += bins([0, 1, 2], [10, 10], [10, 10])
    labels = [label.text for label in histogram("x", cells).labels]
    assert {*kinds.values(), "0", "2"} <= set(labels)


def test_a_picture_that_stands_by_itself_has_the_colours_of_its_page():
    drawing = histogram("x", bins([0, 1, 2], [1, 2], [2, 1]))
    light, dark = (
        re.findall("--now: (#[0-9a-f]+)", svg_file(drawing, dark=dark)) for dark in (False, True)
    )
    assert len(light) == 1
    assert dark[0] == light[0] != dark[1]


def test_many_categories_are_those_with_most_rows_and_one_bar_of_the_others():
    cells = [cell("category", 100 - i, i, label=f"c{i}", place=i) for i in range(60)]
    bars = bars_of("x", [*cells, cell("other", 10, 10, place=99)], 250)
    assert len(bars) == MOST_BARS
    assert bars[-1].name == "all other values"
    assert sum(bar.then for bar in bars) == pytest.approx(1)
    assert sum(bar.adds for bar in bars) == pytest.approx(6.1)


@pytest.mark.parametrize(
    "name", ["WELCOME_{}", "日本語の分類{}", "welcome_{}"], ids=["capitals", "Japanese", "small"]
)
def test_names_below_categories_leave_room_between_them_whatever_their_letters(name):
    cells = [cell("category", 10, 10, label=name.format(i), place=i) for i in range(5)]
    labels = histogram("x", cells).labels
    assert len(labels) == 5
    letters = 9 if "welcome" in name.lower() else 5  # in 50 pixels; those of Japan are square
    assert all(len(label.text) <= letters for label in labels)
    assert all(("…" in label.text) == (name != "welcome_{}") for label in labels)


def test_names_that_begin_alike_are_told_apart_by_their_ends_or_not_at_all():
    def below(names):
        cells = [cell("category", 10, 10, label=name, place=i) for i, name in enumerate(names)]
        return [label.text for label in histogram("x", cells, width=150).labels]

    assert below(["response_code_a", "response_code_b", "response_code_c"]) == ["…a", "…b", "…c"]
    assert below(["red", "green"]) == ["red", "green"]
    assert below([f"{letter} of the northern hall" for letter in ("hall",) * 3]) == []


@pytest.mark.parametrize(
    ("labels", "ends"),
    [
        (["1995-02-06 to 1999-12-31", "2000-01-01 to 2024-10-06"], ["1995-02-06", "2024-10-06"]),
        (["00:34:06 to 12:00:00", "12:00:00 to 23:43:06"], ["00:34:06", "23:43:06"]),
        (
            ["2026-11-01T08:00:00 to 2026-11-01T09:00:00"] * 2,
            ["08:00:00", "09:00:00"],
        ),
    ],
    ids=["days", "times of day", "hours of one day"],
)
def test_an_axis_of_times_has_dates_or_the_clock_and_no_seconds_since_1970(labels, ends):
    cells = bins([792028800.0, 946684800.0, 1728172800.0], [10, 10], [10, 30])
    cells = [one | {"label": label} for one, label in zip(cells, labels, strict=True)]
    assert [label.text for label in histogram("at", cells).labels] == ends


def test_the_ends_of_an_axis_have_the_digits_that_tell_them_apart():
    ids = histogram("id", bins([1.69999998e15, 1.7e15, 1.70000001e15], [1, 1], [1, 1]))
    assert [label.text for label in ids.labels] == ["1699999980000000", "1700000010000000"]


def test_a_bound_that_is_next_to_nothing_beside_the_range_is_zero():
    """Seconds of trips began at -0.000006: the edge below zero, which is the smallest."""
    trips = histogram("s", bins([-6e-6, 60.0, 72_120.0], [1, 1], [1, 1]))
    assert [label.text for label in trips.labels] == ["0", "72120"]


def test_labels_below_a_large_chart_do_not_touch():
    edges = [1e8 + 37.5 * i for i in range(20)]
    drawn = histogram("x", bins(edges, [1] * 19, [1] * 19), width=600, height=150, large=True)
    ticks = sorted((label for label in drawn.labels if label.text[0].isdigit()), key=lambda t: t.x)
    assert len(ticks) > 3
    sides = {"start": (0, 1), "middle": (-0.5, 0.5), "end": (-1, 0)}
    spans = [[t.x + side * LETTER * len(t.text) for side in sides[t.anchor]] for t in ticks]
    assert all(one[1] < other[0] for one, other in pairwise(spans))


def test_days_of_the_week_have_their_names():
    cells = [cell("value", 1, 1, label=str(i), lower=i, upper=i, place=i) for i in range(7)]
    drawing = histogram("weekday(t)", cells, width=600, large=True)
    assert "Wednesday" in [label.text for label in drawing.labels]
    small = [label.text for label in histogram("weekday(t)", cells).labels]
    assert small == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def test_numbers_below_values_are_every_so_many_where_there_is_no_room_for_all():
    cells = [cell("value", 1, 1, label=str(i), lower=i, upper=i, place=i) for i in range(24)]
    assert [label.text for label in histogram("hour(t)", cells).labels] == [
        str(hour) for hour in range(0, 24, 2)
    ]


@pytest.mark.parametrize(
    ("kind", "lower", "upper", "label", "said"),
    [
        ("category", None, None, "", "''"),
        ("category", None, None, "null", "'null'"),
        ("null", None, None, None, "null"),
        ("nan", None, None, None, "NaN"),
        ("other", None, None, None, "all other values"),
        ("value", None, None, "7", "7"),
        ("underflow", None, 0.5, None, "below 0.5, the reference's smallest"),
        ("overflow", 4.0, None, None, "above 4, the reference's largest"),
        ("underflow", None, None, None, "below the reference's smallest"),
        ("bin", None, None, None, "any number"),
        ("bin", None, 2.0, None, "below 2"),
        ("bin", 1e9, 1e9 + 1, None, "1000000000 to 1000000001"),
        ("pair", None, None, "a × b", "a × b"),
    ],
)
def test_a_cell_is_named_by_the_values_that_fall_into_it(kind, lower, upper, label, said):
    cell = {"cell_kind": kind, "lower": lower, "upper": upper, "label": label}
    assert cell_name(cell) == said


def test_cells_left_out_of_the_score_are_not_drawn():
    cells = bins([0, 1, 2], [10, 10], [10, 10])
    assert histogram("x", [c | {"contribution": None} for c in cells]) is None
    assert len(bars_of("x", cells[:1], 250)) == 1


ROW = {
    "feature": "x",
    "kl": 0.2,
    "js": 0.03,
    "kl_low": 0.15,
    "kl_high": 0.25,
    "kl_expected": 0.01,
    "threshold_warning": 0.1,
    "threshold_critical": None,
}


def test_a_score_stands_with_its_interval_its_limits_and_chance_in_words_too():
    drawing = score_line(ROW | {"metric": "kl"})
    assert drawing.about == (
        "kl 0.2, by chance 0.01, 90 % interval 0.15 to 0.25, warning above 0.1"
    )
    assert [s.style for s in drawing.shapes] == [
        "axis",
        "chance",
        "interval",
        "limit-warning",
        "score",
    ]


def test_a_metric_without_interval_has_its_limits_and_kl_its_own_line():
    drawing = score_line(ROW | {"metric": "js"})
    assert drawing.about.startswith("js 0.03, warning above 0.1; kl 0.2, by chance")
    assert score_line(ROW | {"kl": None}) is None


def test_a_learnt_limit_has_the_upper_line():
    drawing = score_line(ROW | {"metric": "kl", "kl_learned": 0.06, "limit_learned": 0.03})
    assert drawing.about.startswith("learnt kl 0.06, critical above 0.03; kl 0.2, by chance")


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        (("1 Sep 2026", "29 Oct 2026"), [("1 Sep 2026", "start"), ("29 Oct 2026", "end")]),
        (("28 Oct 2026 13:00", "29 Oct 2026 14:00"), [("29 Oct 2026 14:00", "end")]),
    ],
    ids=["days", "hours, which have no room for both"],
)
def test_a_line_over_windows_says_from_when_to_when(ends, shown):
    drawing = sparkline("x", [0.1, 0.2], ["ok", "ok"], [None, None], ends=ends)
    assert [(label.text, label.anchor) for label in drawing.labels] == shown
    assert all(label.y < drawing.height for label in drawing.labels)


def test_a_line_over_windows_breaks_where_there_is_no_score_and_marks_what_was_raised():
    severities = ["ok", None, "ok", "warning", "critical"]
    drawing = sparkline("x", [0.1, None, 0.1, 0.2, 0.3], severities, [0.15, None])
    paths = {shape.style: shape.path for shape in drawing.shapes}
    assert paths["line"].count("M") == 2
    assert paths.keys() == {"axis", "limit-warning", "line", "critical", "warning"}
    assert drawing.about == "drifted in 2 of 4 windows; largest 0.3"
    assert not drawing.labels
    assert sparkline("x", [0.1], ["ok"], [None, None]) is None
    assert sparkline("x", [None, None], [None, None], [None, None]) is None


def test_windows_that_are_missing_leave_their_places_empty():
    days = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 5, 25)]
    rows = pd.DataFrame({"feature": ["x"], "segment": [None], "severity": ["ok"], "kl": [0.1]})
    past = Past.of([(Window(day, day + timedelta(days=1)), rows) for day in days])
    assert past.slots == [0, 1, 4, 4 + 1 + WIDEST_GAP]
    assert past.spread("abcd")[:6] == ["a", "b", None, None, "c", None]
    line = next(s.path for s in heat_map(past, ["x"], "UTC").shapes if s.style == "ok")
    assert line.count("M") == 3
    whole = Past.of([(Window(None, day), rows) for day in days])
    assert whole.slots == [0, 1, 2, 3]


def test_a_group_shows_what_adds_most_and_what_takes_away():
    cells = [cell("pair", 1, 1, label=f"p{i}", adds=a) for i, a in enumerate((0.1, -0.5, 0.2))]
    drawing = group_chart("g", cells)
    assert drawing.about == "p1 -0.5 nats; p2 +0.2 nats; p0 +0.1 nats"
    assert {"adds", "less"} <= {shape.style for shape in drawing.shapes}
    assert group_chart("g", []) is None
