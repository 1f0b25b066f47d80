from __future__ import annotations

import pandas as pd
import pytest

from kldrift.demo import (
    DECOYS,
    PLANTED,
    EventOutcome,
    as_it_should_be,
    date_of,
    false_pages,
    outcome_line,
    planted_against_found,
    to_text,
)

QUIET = [f for e in DECOYS for f in e.features] + ["basket_value", "discount_rate", "amount"]
DAYS = range(27, 61)
RIGHT = {e.shows_in: range(e.day_from, e.day_to + 1) for e in PLANTED}


def _scores(raised: dict[str, range | list[int]], unscored: str | None = None) -> pd.DataFrame:
    """The rows of a monitor that raises alerts of some features on some days."""
    rows = [
        {
            "feature": feature,
            "window_start": pd.Timestamp(date_of(day), tz="UTC"),
            "severity": "unscored" if feature == unscored else "ok",
            "alert": "raised" if day in raised.get(feature, ()) else "none",
        }
        for feature in dict.fromkeys([*RIGHT, *QUIET])
        for day in DAYS
    ]
    return pd.DataFrame(rows)


def _outcome(feature: str, scores: pd.DataFrame) -> EventOutcome:
    return next(o for o in planted_against_found(scores) if feature in o.features)


def test_a_perfect_monitor_finds_what_is_planted_on_its_day_and_nothing_else() -> None:
    outcomes = planted_against_found(_scores(RIGHT))
    assert [o.verdict for o in outcomes] == ["found"] * 7 + ["quiet"] * (len(DECOYS) + 1)
    assert [(o.paged, o.delay) for o in outcomes[:7]] == [(e.day_from, 0) for e in PLANTED]
    assert outcomes[-1].features == ("amount", "basket_value", "discount_rate")
    assert as_it_should_be(outcomes, false_pages(_scores(RIGHT)))
    assert outcome_line(outcomes, 0).startswith("found: 7 of 7 incidents, 7 on their first day")


def test_a_page_that_comes_later_is_late_by_so_many_days_and_none_is_a_miss() -> None:
    late = _scores(RIGHT | {"load_factor": range(43, 61)})
    outcome = _outcome("load_factor", late)
    assert (outcome.verdict, outcome.paged, outcome.delay) == ("found", 43, 14)
    missed = planted_against_found(_scores(RIGHT | {"load_factor": []}))
    assert [o.verdict for o in missed].count("missed") == 1
    assert not as_it_should_be(missed, 0)


@pytest.mark.parametrize("feature", ["weight_kg", "discount_rate", "amount", "customer_age"])
def test_a_page_that_nothing_explains_is_false(feature: str) -> None:
    scores = _scores(RIGHT | {feature: [30, 31, 33, *RIGHT.get(feature, ())]})
    assert false_pages(scores) == 2
    assert not as_it_should_be(planted_against_found(scores), 2)
    if feature not in RIGHT:
        outcome = _outcome(feature, scores)
        assert (outcome.verdict, outcome.features, outcome.paged) == ("FALSE PAGE", (feature,), 30)


def test_a_decoy_that_was_not_scored_is_not_called_quiet() -> None:
    assert _outcome("weight_kg", _scores(RIGHT, unscored="weight_kg")).verdict == "not scored"


def test_the_table_is_plain_text_with_one_line_for_each_outcome() -> None:
    outcomes = planted_against_found(_scores(RIGHT))
    lines = to_text(outcomes).splitlines()
    assert len(lines) == 1 + len(outcomes)
    assert lines[1].split("  ")[0] == "kilometres become metres"
    assert lines[1].split()[-1] == "found"
    assert "  43-60  distance_km  " in lines[1]
    assert not any(line != line.rstrip() for line in lines)
