"""The pages about false alarms: what is counted, and how it is written."""

import pandas as pd
import pytest

from tests.bench import joint
from tests.bench.calibration import SHAPES, SIZES, out_of_bounds, quiet_rows
from tests.bench.peers.alarms import POWER_SIZES, QUIET_SHAPES, page, quiet, row
from tests.bench.peers.alarms import SIZES as PEER_SIZES
from tests.planted_drifts import CRITICAL, QUIET, WARNING


@pytest.mark.parametrize(
    ("rate", "columns", "starred"),
    [(0.05, 4_000, False), (0.09, 4_000, True), (0.09, 60, False), (0.0, 4_000, True)],
)
def test_a_rate_has_a_star_where_chance_does_not_explain_it(rate, columns, starred):
    assert out_of_bounds(rate, 0.05, columns) == starred


def test_every_shape_has_a_line_with_all_sizes():
    piece = {"columns": 2_000, "rates": [0.05, 0.05], "alarms": 1}
    pieces = [piece | {"shape": name, "rows": size} for name in SHAPES for size in SIZES]
    lines = list(quiet_rows(pieces, SIZES))
    assert [line[0] for line in lines] == list(SHAPES)
    assert lines[0][1:] == ["5.0 / 5.0* / 1"] * len(SIZES)


def test_there_are_fifteen_shapes_and_four_sizes_of_quiet_pairs():
    assert (len(QUIET_SHAPES), len(PEER_SIZES)) == (15, 4)
    reference, current = quiet(50, 2)
    assert reference.shape == current.shape == (50, 30)
    assert not reference.equals(current)


def test_the_page_says_who_alarms_how_often_and_why_a_tool_is_not_there():
    rows = [
        row("quiet", shape, size, tool, flagged, {f"{shape} {i}" for i in range(2)})
        for shape in QUIET_SHAPES
        for size in PEER_SIZES
        for tool, flagged in (("a", {"normal 1"}), ("b", "not installed: no"))
    ]
    rows += [
        row("planted", name, size, tool, flagged, {name})
        for name in (*QUIET, *WARNING, *CRITICAL)
        for size in POWER_SIZES
        for tool, flagged in (("a", {"new_5"}), ("b", "not installed: no"))
    ]
    text = page(pd.DataFrame(rows), 2)
    assert "| normal | 1 1 1 1 | - - - - |" in text
    assert "| new_5 | 1 1 | - - |" in text
    assert "| 300 rows | 3.3 % | - |" in text
    assert "- b: not installed: no" in text


def test_measuring_joint_groups_leaves_the_rest_of_their_page_as_it_is():
    page = joint.PAGE.read_text()
    again = joint.with_section(page, f"{joint.HEADING}\n\nnew\n")
    assert again.startswith(page[: page.index(joint.HEADING)])
    assert again.endswith(f"{joint.HEADING}\n\nnew\n")
    with pytest.raises(SystemExit, match="has no section"):
        joint.with_section("# Another page", "")
