"""The page about alarms says what was measured; the streams are what they are said to be."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np

from tests.bench.alarms import BUDGET_DAYS, DRIFTS, JUDGED, RULES, chart, on, page, paged
from tests.bench.streams import FEATURES, KINDS, NEW, NULL, Kind, stream

PAGES = {"days <alike>": {"learned": [1, 2], "js > 0.02": [0, 0], "mean + 3 sd": [40, 44]}}
DELAYS = {"days <alike>": {(rule, "+0.3 sd, 1"): [0.0, np.inf] for rule in RULES}}


def test_the_page_counts_pages_in_the_days_of_the_budget_and_what_was_found_when():
    text = page((PAGES, DELAYS), 2, 2)
    per = 1.5 * BUDGET_DAYS / JUDGED
    assert f"| days <alike> | {per:.1f} | 0.0 | {42 * BUDGET_DAYS / JUDGED:.1f} |" in text
    assert "| +0.3 sd, 1 | 50% / 50% | 50% / 50% | 50% / 50% |" in text
    drawn = ET.fromstring(chart(PAGES))
    dots = list(drawn.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(dots) == len(RULES) * (1 + len(PAGES))  # those of the key too


def test_a_rule_pages_where_a_feature_is_flagged_that_was_not_the_day_before():
    flags = np.zeros((5, 2), dtype=bool)
    flags[1:4, 0] = True
    flags[2, 1] = True
    assert paged(flags) == 2


def test_a_planted_change_moves_the_features_that_it_is_planted_in():
    found = stream(Kind(), 1, rows=50)
    p = found.base[None]
    for name, change in DRIFTS.items():
        moved = on(change, 1)(p, found.places)
        assert np.allclose(moved.sum(-1), 1)
        assert (np.abs(moved - p).sum((0, 2)) > 0).tolist() == [True] + [False] * (FEATURES - 1), (
            name
        )
    assert on(DRIFTS["+1 point of nulls"], 1)(p, found.places)[0, 0, NULL] == 0.02 * 0.99 + 0.01
    assert found.counts[..., NEW].sum() == 0
    assert found.counts.sum(-1).tolist() == np.tile(found.rows[:, None], FEATURES).tolist()


def test_there_are_more_kinds_of_streams_than_seven():
    assert len(KINDS) == len(set(KINDS.values())) == 12
