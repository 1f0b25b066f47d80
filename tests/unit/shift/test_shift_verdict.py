"""Verdicts on two models, and the page that shows them, without Spark."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from shift_sample import summed

from kldrift.cli.console import shift_lines
from kldrift.config import ModelShift, Threshold, configured
from kldrift.monitor.decisive import Decisive
from kldrift.profiles.group_keys import UNTIMED
from kldrift.scoring.status import STATUSES
from kldrift.shift.class_pairs import ClassPairs
from kldrift.shift.result import ShiftResult
from kldrift.shift.row_divergence import RowOutcome
from kldrift.shift.run import in_windows, window_at
from kldrift.shift.summary import Summaries
from kldrift.shift.table_rows import shift_tables
from kldrift.shift.verdict import failed, judge, mean_above
from kldrift.statistics.significance import q_values
from kldrift.tables import Window
from kldrift.tables.stamp import Stamp

CONFIG = configured(
    ModelShift,
    {
        "monitor": "models",
        "data": {"path": "a"},
        "champion": "old",
        "challenger": "new",
        "key": "id",
        "output": {"path": "drift"},
    },
)
RNG = np.random.default_rng(0)
HIGH, LOW = RNG.exponential(0.5, 500), RNG.exponential(0.02, 500)


STAMP = Stamp("r", "models", Window(), None, "h")
NO_PAIRS = ClassPairs.none().top()


def groups(rows):
    """Summaries of groups by the name of their segment, from theirs alone."""
    names = np.array([*rows, None], dtype=object)[:-1]
    return replace(Summaries.joined([*rows.values()]), segment=names)


def verdicts(rows, config=CONFIG):
    """Verdicts on groups, by the name of their segment."""
    found = groups(rows)
    judged = judge(found, config)
    return {name: Row(judged, i) for i, name in enumerate(rows)}, judged, found


class Row:
    """One of many verdicts."""

    def __init__(self, verdicts, i):
        self.status = STATUSES[verdicts.status[i]]
        self.severity = str(verdicts.severities()[i])
        self.reason = verdicts.reason[i]
        self.q_value = verdicts.q_values.smallest[i]
        self.p_value = verdicts.scores["p_value"][i]
        self.failed = failed(verdicts)[i]


def test_a_verdict_needs_size_and_evidence():
    few = np.array([0.01] * 29 + [20.0])  # a mean of 0.68 that one row makes
    samples = {"a": HIGH, "b": LOW, "c": few}
    found, judged, _ = verdicts({name: summed(x) for name, x in samples.items()})
    assert {s: v.severity for s, v in found.items()} == {"a": "critical", "b": "ok", "c": "ok"}
    assert judged.segment[Decisive.of(judged).order].tolist() == ["a", "c", "b"]  # worst first
    tests = [stats.ttest_1samp(x, 0.1, alternative="greater").pvalue for x in samples.values()]
    p_values = [found[s].p_value for s in "abc"]
    np.testing.assert_allclose(p_values, tests, rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(
        [found[s].q_value for s in "abc"], q_values(np.array(p_values)), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("values", "level", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], 0.1, 0.051364),
        ([0.2, 0.2], 0.1, 0.0),
        ([0.1, 0.1], 0.1, 1.0),
        ([0.1], 0.01, math.nan),
        ([], 0.01, math.nan),
    ],
    ids=["spread", "equal above", "equal at the level", "one row", "no row"],
)
def test_the_test_of_the_mean_is_that_of_student(values, level, expected):
    assert mean_above(summed(np.array(values)), level)[0] == pytest.approx(
        expected, abs=1e-6, nan_ok=True
    )


@pytest.mark.parametrize(
    ("rows", "status", "reason"),
    [
        (Summaries.without_rows(), "empty", "no rows"),
        (
            summed(left_out={RowOutcome.NULL: 7}),
            "empty",
            "no row can be compared; 7 of 7 rows left out: 7 null",
        ),
        (summed(HIGH[:29]), "too_few_rows", "29 rows can be compared, min_rows is 30"),
        (
            summed(HIGH[:29], {RowOutcome.MASKED: 5}),
            "too_few_rows",
            "29 rows can be compared, min_rows is 30; "
            "5 of 34 rows left out: 5 with every class masked",
        ),
        (summed(np.full(40, math.inf)), "error", "the divergence of every row is infinite"),
    ],
    ids=["empty", "left out", "few", "few of more", "infinite"],
)
def test_what_cannot_be_scored_says_why_and_is_never_ok(rows, status, reason):
    found, judged, groups = verdicts({None: rows, "small": rows})
    assert (found[None].status, found[None].reason) == (status, reason)
    assert found[None].severity == "unscored"
    assert found[None].failed
    assert found["small"].failed == (status == "error")
    tables = shift_tables(judged, groups, None, NO_PAIRS, STAMP)
    assert tables["drift_scores"]["kl"].null_count == 2
    assert len(tables["drift_cells"]) == 0


def test_infinite_and_left_out_rows_are_told_also_where_the_verdict_is_ok():
    rows = summed(np.append(LOW, [math.inf] * 3), {RowOutcome.LENGTH: 1200})
    found = verdicts({None: rows})[0][None]
    assert found.severity == "ok"
    assert found.reason == (
        "3 of 503 rows infinite: the champion masks a class that the challenger allows; "
        "1,200 of 1,703 rows left out: 1,200 empty or of two lengths"
    )


def test_without_a_threshold_nothing_is_judged():
    config = replace(CONFIG, thresholds={})
    found = verdicts({None: summed(HIGH)}, config)[0][None]
    assert found.severity == "ok"
    assert math.isnan(found.q_value)
    warned = replace(CONFIG, thresholds={"kl": Threshold(warning=0.1)})
    assert verdicts({None: summed(HIGH)}, warned)[0][None].severity == "warning"


def test_infinite_rows_are_the_last_cell_and_the_cells_add_up():
    rows = summed(np.append(HIGH, math.inf))
    _, judged, found = verdicts({None: rows})
    cells = shift_tables(judged, found, None, NO_PAIRS, STAMP)["drift_cells"].to_pandas()
    assert set(cells["cell_kind"][:-1]) == {"bin"}
    assert cells["cell"].tolist() == list(range(len(cells)))
    last = cells.iloc[-1]
    assert (last["cell_kind"], last["rows_current"], last["contribution"]) == ("infinite", 1, 0.0)
    assert cells["contribution"].sum() == pytest.approx(HIGH.mean(), rel=1e-13)
    assert cells["rows_reference"].sum() == len(HIGH) + 1


def test_rows_without_a_window_are_told_and_no_window_is_one_without_rows():
    day = dt.timedelta(days=1)
    config = configured(
        ModelShift,
        {
            "monitor": "m",
            "data": {"path": "a"},
            "champion": "a",
            "challenger": "b",
            "time": {"column": "at", "window": "1d"},
            "output": {"path": "o"},
        },
    )
    rows = summed(LOW)
    start = (dt.datetime(2024, 1, 1, tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // (
        dt.timedelta(microseconds=1)
    )
    as_of = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    timed = replace(rows, window=np.array([start]))
    untimed = replace(rows, window=np.array([UNTIMED]))
    found, skipped = in_windows(Summaries.joined([timed, untimed]), config, as_of)
    assert [window_at(w, config, as_of) for w in found.window.tolist()] == [
        Window(as_of - day, as_of)
    ]
    assert found.segment.tolist() == [None]
    assert [(s.column, s.reason) for s in skipped] == [("at", "500 rows without a time")]
    found, skipped = in_windows(timed, config, as_of - day)
    assert found.total.tolist() == [0]
    assert "500 rows of windows that end after --as-of" in skipped[0].reason
    assert in_windows(rows, CONFIG, None) == (rows, [])
    assert window_at(int(rows.window[0]), CONFIG, None) == Window()


def shift_result(evil):
    """A shift of three segments whose names, keys and notes are hostile."""
    high, low = np.append(HIGH, math.inf), np.append(HIGH, [math.inf, *LOW])
    worst = pa.table(
        {
            "segment": [f"sex={evil}"] * 2 + [None] * 2,
            "kl": [math.inf, 0.5] * 2,
            "key": [evil, None] * 2,
            "champion": [0, 1] * 2,
            "challenger": [1, 0] * 2,
        }
    )
    rows = {f"sex={evil}": summed(high), None: summed(low), "b": summed(LOW)}
    _, judged, found = verdicts(rows)
    pairs = ClassPairs.of(*np.array([[0] * 10, [0] * 8 + [1] * 2, [0] * 7 + [1] * 3])).top()
    tables = shift_tables(judged, found, worst, pairs, replace(STAMP, monitor=evil))
    return ShiftResult(
        score_rows=tables["drift_scores"],
        cell_rows=tables["drift_cells"],
        run={"monitor": evil, "skipped": []},
        exit_code=3,
        skipped=[("at", f"5 rows {evil}")],
        output=f"/tmp/{evil}",
        docs=None,
        worst_rows=tables["worst_rows"].to_pandas(),
        class_pairs=tables["class_pairs"].to_pandas(),
    )


def test_the_page_shows_segments_worst_first_and_escapes_what_comes_from_data():
    result = shift_result("<script>alert(1)</script>")
    page = result.to_html()
    assert "then, the reference" not in page  # both models judged the same rows
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "2 of 3 segments drifted: 2 critical" in page
    assert re.findall('<bdi class="name">(.*?)</bdi>', page) == [
        "sex=&lt;script&gt;alert(1)&lt;/script&gt;",
        "all rows",
        "b",
    ]
    assert "infinite" in page
    assert "no key" in page
    assert "Rows in no window" in page
    assert "Worst is sex=&lt;script&gt;alert(1)&lt;/script&gt;: kl 0.5" in page
    matrix = re.findall("<td[^>]*><bdi>(.*?)</bdi>", page.partition("champion x challenger")[2])
    assert matrix[:5] == ["class 0", "7 (87.5 %)", "1 (12.5 %)", "8", "12.5 %"]
    assert matrix[5:10] == ["class 1", "", "2 (100.0 %)", "2", "0.0 %"]
    assert "champion x challenger" in result._repr_html_()
    assert page.count("shares of rows by divergence, in nats") == 3
    assert "<script" not in result._repr_html_()
    assert repr(result) == "ShiftResult(3 segments: 2 critical, 0 warning, 0 unscored, 1 ok)"


def test_the_terminal_says_the_verdict_first_and_each_segment_in_a_block():
    lines = [line.text for line in shift_lines(shift_result("\x1b[31m"), "critical")]
    assert lines[0].startswith("critical: ")
    assert lines[0].endswith(", on the same rows: 2 of 3 segments drifted: 2 critical")
    heads = [at for at, text in enumerate(lines) if text.startswith(("critical  ", "ok  "))]
    assert [lines[at].partition(":")[0] for at in heads] == [
        "critical  sex=\\x1b[31m",
        "critical  all rows",
        "ok  b",
    ]
    assert all(lines[at - 1] == "" for at in heads)
    assert lines[heads[0] + 1].startswith("  kl 0.5")
    assert "half of the rows below 0.4 nats" in lines[heads[0] + 2]
    assert all(text.isprintable() for text in lines)
