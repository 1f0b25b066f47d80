"""Verdicts on two models, and the page that shows them, without Spark."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from kldrift.config import Threshold, model_shift_from_mapping
from kldrift.shift.groups import NO_WINDOWS, UNTIMED
from kldrift.shift.result import ShiftResult
from kldrift.shift.run import by_window
from kldrift.shift.summary import NO_ROWS, Example, Outcome, Shift
from kldrift.shift.table_rows import window_tables
from kldrift.shift.verdict import judge
from kldrift.statistics.significance import q_values
from kldrift.tables import Window
from kldrift.tables.stamp import Stamp

CONFIG = model_shift_from_mapping(
    {
        "monitor": "models",
        "data": {"path": "a"},
        "champion": "old",
        "challenger": "new",
        "key": "id",
        "output": {"path": "drift"},
    }
)
RNG = np.random.default_rng(0)
HIGH, LOW = RNG.exponential(0.5, 500), RNG.exponential(0.02, 500)


def verdicts(groups, config=CONFIG):
    summaries = {(Window(), segment): shift.summary() for segment, shift in groups.items()}
    return {v.segment: v for v in judge(summaries, config)}


def left_out(outcome, rows):
    outcomes = np.zeros(len(Outcome), dtype=np.int64)
    outcomes[outcome] = rows
    return replace(NO_ROWS, outcomes=outcomes)


def test_a_verdict_needs_size_and_evidence():
    few = np.array([0.01] * 29 + [20.0])  # a mean of 0.68 that one row makes
    found = verdicts({"a": Shift.of(HIGH), "b": Shift.of(LOW), "c": Shift.of(few)})
    assert {s: str(v.severity) for s, v in found.items()} == {"a": "critical", "b": "ok", "c": "ok"}
    assert list(found) == ["a", "c", "b"]  # worst first
    tests = [stats.ttest_1samp(x, 0.1, alternative="greater").pvalue for x in (HIGH, LOW, few)]
    p_values = [found[s].p_value for s in "abc"]
    np.testing.assert_allclose(p_values, tests, rtol=1e-6, atol=1e-300)
    np.testing.assert_allclose(
        [found[s].q_value for s in "abc"], q_values(np.array(p_values)), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("shift", "status", "reason"),
    [
        (NO_ROWS, "empty", "no rows"),
        (
            left_out(Outcome.NULL, 7),
            "empty",
            "no row can be compared; 7 of 7 rows left out: 7 null",
        ),
        (Shift.of(HIGH[:29]), "too_few_rows", "29 rows can be compared, min_rows is 30"),
        (
            Shift.of(HIGH[:29]) + left_out(Outcome.MASKED, 5),
            "too_few_rows",
            "29 rows can be compared, min_rows is 30; "
            "5 of 34 rows left out: 5 with every class masked",
        ),
        (Shift.of(np.full(40, math.inf)), "error", "the divergence of every row is infinite"),
    ],
    ids=["empty", "left out", "few", "few of more", "infinite"],
)
def test_what_cannot_be_scored_says_why_and_is_never_ok(shift, status, reason):
    found = verdicts({None: shift, "small": shift})
    assert (found[None].status, found[None].reason) == (status, reason)
    assert found[None].severity == "unscored"
    assert found[None].failed
    assert found["small"].failed is (status == "error")
    tables = window_tables(list(found.values()), CONFIG, Stamp("r", "models", Window(), "", "h"))
    assert tables["drift_scores"]["kl"].null_count == 2
    assert len(tables["drift_cells"]) == 0


def test_infinite_and_left_out_rows_are_told_also_where_the_verdict_is_ok():
    rows = Shift.of(np.append(LOW, [math.inf] * 3)) + left_out(Outcome.LENGTH, 1200)
    found = verdicts({None: rows})[None]
    assert found.severity == "ok"
    assert found.reason == (
        "3 of 503 rows infinite: the champion masks a class that the challenger allows; "
        "1,200 of 1,703 rows left out: 1,200 empty or of two lengths"
    )


def test_without_a_threshold_nothing_is_judged():
    config = replace(CONFIG, thresholds={})
    found = verdicts({None: Shift.of(HIGH)}, config)[None]
    assert (str(found.severity), found.q_value) == ("ok", None)
    warned = replace(CONFIG, thresholds={"kl": Threshold(warning=0.1)})
    assert str(verdicts({None: Shift.of(HIGH)}, warned)[None].severity) == "warning"


def test_rows_without_a_window_are_told_and_no_window_is_one_without_rows():
    day = dt.timedelta(days=1)
    config = model_shift_from_mapping(
        {
            "monitor": "m",
            "data": {"path": "a"},
            "champion": "a",
            "challenger": "b",
            "time": {"column": "at", "window": "1d"},
            "output": {"path": "o"},
        }
    )
    rows = Shift.of(LOW).summary()
    start = (dt.datetime(2024, 1, 1, tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // (
        dt.timedelta(microseconds=1)
    )
    as_of = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    found, skipped = by_window({(start, None): rows, (UNTIMED, None): rows}, config, as_of)
    assert list(found) == [(Window(as_of - day, as_of), None)]
    assert [(s.column, s.reason) for s in skipped] == [("at", "500 rows without a time")]
    found, skipped = by_window({(start, None): rows}, config, as_of - day)
    assert [s.rows for s in found.values()] == [0]
    assert "500 rows of windows that end after --as-of" in skipped[0].reason
    assert by_window({(NO_WINDOWS, None): rows}, CONFIG, None)[0] == {(Window(), None): rows}


def test_the_page_shows_segments_worst_first_and_escapes_what_comes_from_data():
    evil = "<script>alert(1)</script>"
    worst = (Example(math.inf, evil, 0, 1), Example(0.5, None, 1, 0))
    rows = replace(Shift.of(np.append(HIGH, math.inf)), worst=worst)
    found = verdicts({f"sex={evil}": rows, None: rows + Shift.of(LOW), "b": Shift.of(LOW)})
    tables = window_tables(list(found.values()), CONFIG, Stamp("r", evil, Window(), "", "h"))
    result = ShiftResult(
        scores=tables["drift_scores"].to_pandas(),
        cells=tables["drift_cells"].to_pandas(),
        run={"monitor": evil, "skipped": []},
        exit_code=3,
        skipped=[("at", f"5 rows {evil}")],
        output=f"/tmp/{evil}",
        docs=None,
        worst_rows=tables["worst_rows"].to_pandas(),
    )
    page = result.to_html()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "2 of 3 segments drifted: 2 critical" in page
    captions = [part.split("</figcaption>")[0] for part in page.split("<figcaption>")[1:]]
    assert [c.split(":")[0] for c in captions] == [
        "sex=&lt;script&gt;alert(1)&lt;/script&gt;",
        "all rows",
        "b",
    ]
    assert "infinite" in page
    assert "no key" in page
    assert "rows in no window:" in page
    assert result._repr_html_().count("<figure>") == 3
    assert repr(result) == "ShiftResult(3 segments: 2 critical, 0 warning, 0 unscored, 1 ok)"
