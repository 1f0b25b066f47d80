"""The page about alarms says what was measured; the streams are what they are said to be."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np

from tests.bench.alarm_rules import (
    BUDGET_DAYS,
    BY_CHANCE,
    DRIFTS,
    FIRST,
    JUDGED,
    OTHERS_STREAMS,
    RULES,
    collected,
    key_of,
    on,
    page_days,
    wanted,
)
from tests.bench.alarms import chart, page
from tests.bench.streams import FEATURES, KINDS, NEW, NULL, Kind, stream

PAGES = {"days <alike>": {"learned": [1, 2], "js > 0.02": [0, 0], "mean + 3 sd": [40, 44]}}
PAGES["days <alike>"][BY_CHANCE] = [0, 1]
DELAYS = {"days <alike>": {(rule, "+0.3 sd, 1"): [0.0, np.inf] for rule in RULES}}


def test_the_page_counts_pages_in_the_days_of_the_budget_and_what_was_found_when():
    text = page((PAGES, DELAYS), PAGES, {})
    per = 1.5 * BUDGET_DAYS / JUDGED
    row = f"| {per:.1f} | {per / 3:.1f} | 0.0 | {42 * BUDGET_DAYS / JUDGED:.1f} "
    assert f"| days <alike> {row}{row}|" in text
    assert "| stream | +0.3 sd |" in text
    assert "| days <alike> | 50, 50 / 50 / 50 |" in text
    drawn = ET.fromstring(chart(PAGES))
    dots = list(drawn.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(dots) == len(RULES) * (1 + len(PAGES))  # those of the key too


def test_the_page_says_what_other_tools_did_or_why_they_did_not():
    delays = {f"{drift}, {many}": 2.0 for drift in DRIFTS for many in (1, 3)}
    tool = {"pages": dict.fromkeys(OTHERS_STREAMS, 7), "delays": delays | {"+0.1 sd, 1": np.inf}}
    text = page((PAGES, DELAYS), PAGES, {"a": tool, "b": "not installed: no network"})
    assert f"| {OTHERS_STREAMS[0]} | 7 |" in text
    assert "| +0.1 sd, 1 | not in 10 days |" in text
    assert "| +0.6 sd, 3 | after 2 days |" in text
    assert "\nb: not installed: no network.\n" in text


def test_what_was_measured_before_is_collected_by_stream_rule_and_number_of_features():
    first, _, third = KINDS["outages"].events[:3]
    found = {key: [first, third, 90] for key in RULES}
    piece = {"pages": found, "delays": {"+0.3 sd, 1": dict.fromkeys(RULES, 0)}}
    results = {key_of("outages", seed, 50): piece for seed in (0, 1)}
    results[key_of("outages", 0, 200)] = {"pages": {key: [31, 32] for key in RULES}}
    pages, delays = collected(results, 50)
    assert pages == {"outages": {rule: [3, 3] for rule in RULES} | {BY_CHANCE: [1, 1]}}
    assert delays["outages"]["learned", "+0.3 sd, 1"] == [0, 0]
    assert collected(results, 200) == ({"outages": {rule: [2] for rule in (*RULES, BY_CHANCE)}}, {})
    asked = list(wanted(2, 1, 1))
    assert len(asked) == len(set(asked)) == 3 * len(KINDS)
    assert stream(Kind(), 0, rows=20, features=200).counts.shape[0] > FIRST


def test_a_rule_pages_where_a_feature_is_flagged_that_was_not_the_day_before():
    flags = np.zeros((5, 2), dtype=bool)
    flags[1:4, 0] = True
    flags[2, 1] = True
    assert page_days(flags) == [1, 2]


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
    assert len(KINDS) == len(set(KINDS.values())) == 13
