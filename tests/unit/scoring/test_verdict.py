"""Statuses, severities and reasons: what cannot be scored says why, and nothing is silently ok."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from kl_limits import above_limit_p
from strategies import quick
from verdict_rows import VerdictRow, row_of, rows_of

from kldrift.config import config_from_mapping
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.plan import make_plan
from kldrift.profiles.cells import Cell, CellKind
from kldrift.scoring.reasons import cell_text
from kldrift.scoring.status import Status
from kldrift.scoring.threshold import Severity
from kldrift.scoring.verdict import Verdicts
from kldrift.sources.table import TableSource

MANY = 200


def monitored(
    reference: dict[str, Any], current: dict[str, Any], **sections: dict[str, Any]
) -> Verdicts:
    """What a run says about two tables in memory."""
    config = config_from_mapping(
        {
            "monitor": "test",
            "reference": {"sql": "r"},
            "current": {"sql": "c"},
            "output": {"path": "none"},
            **sections,
        }
    )
    sources = [TableSource(pa.table(side)) for side in (reference, current)]
    return compare_plan(make_plan(config, *sources), MemoryEngine(*sources), SILENT)[1]


KL = {"kl": {"warning": 0.1, "critical": 0.25}}


def verdict(reference: Any, current: Any, **sections: dict[str, Any]) -> VerdictRow:
    """The verdict on one feature x; a second one only keeps the run going."""
    sides = ({"x": reference}, {"x": current})
    tables = [
        {"y": [1] * len(x["x"]), **{k: v for k, v in x.items() if v is not None}}
        if x["x"] is not None
        else {"y": [1] * MANY}
        for x in sides
    ]
    return next(v for v in rows_of(monitored(*tables, **sections)) if v.name.endswith("x"))


def ints(*values: int | None) -> pa.Array:
    return pa.array(values, pa.int64())


EXCLUDE = {"scoring": {"missing": "exclude"}}
RAW = {"scoring": {"pseudocount": 0}}


@pytest.mark.parametrize(
    ("reference", "current", "how", "status", "reason"),
    [
        pytest.param(ints(1, 2, 2), ints(2, 1, 2), {}, Status.OK, "", id="ok"),
        pytest.param(ints(1, 2), ints(), {}, Status.EMPTY, "no rows in the current", id="empty"),
        pytest.param(ints(), ints(1, 2), {}, Status.EMPTY, "no rows in the reference", id="begin"),
        pytest.param(ints(5, 5), ints(5, 5, 5), {}, Status.CONSTANT, "one and the same", id="same"),
        pytest.param(
            ints(None, None), ints(None, None), {}, Status.CONSTANT, "one and the same", id="nulls"
        ),
        pytest.param(ints(5, 5), ints(None, None), {}, Status.OK, "", id="all null now"),
        pytest.param(ints(None, None), ints(5, 6), {}, Status.OK, "", id="all null before"),
        pytest.param(
            ints(5, 5),
            ints(None, None),
            EXCLUDE,
            Status.EMPTY,
            "every value is missing in the current dataset; scoring.missing is exclude",
            id="all left out now",
        ),
        pytest.param(
            pa.array([np.nan, None]),
            pa.array([1.0, 2.0]),
            EXCLUDE,
            Status.EMPTY,
            "missing in the reference;",
            id="all left out before",
        ),
        pytest.param(
            ints(None, None),
            ints(None, None),
            EXCLUDE,
            Status.EMPTY,
            "missing in the reference and the current dataset;",
            id="all left out",
        ),
        pytest.param(
            ints(1, 2), ints(1), {}, Status.TOO_FEW_ROWS, "1 row, scoring.min_rows is 2", id="few"
        ),
        pytest.param(
            ints(1, 2),
            ints(1, *[None] * 9),
            EXCLUDE,
            Status.TOO_FEW_ROWS,
            "1 row, scoring.min_rows is 2",
            id="few that count",
        ),
        pytest.param(
            ints(1, 2), ints(1, 3), RAW, Status.ERROR, "set scoring.pseudocount", id="infinite"
        ),
        pytest.param(
            ints(1, 2), ints(1, 1), RAW, Status.OK, "", id="a value that vanished is finite"
        ),
        pytest.param(
            ints(1, 2),
            pa.array(["1", "2"]),
            {},
            Status.TYPE_CHANGED,
            "int64 in the reference, string in the current dataset",
            id="another type",
        ),
        pytest.param(
            ints(1, 2),
            pa.array([None, None], pa.string()),
            {},
            Status.OK,
            "",
            id="another type without a value",
        ),
        pytest.param(ints(1, 2), pa.nulls(2), {}, Status.OK, "", id="no type and no value"),
        pytest.param(ints(1, 2), None, {}, Status.MISSING_FEATURE, "not in the current", id="gone"),
        pytest.param(None, ints(1, 2), {}, Status.NEW_FEATURE, "not in the reference", id="new"),
        pytest.param(
            pa.array([b"1", b"2"]),
            ints(1, 2),
            {},
            Status.TYPE_CHANGED,
            "binary values are no feature",
            id="became a feature",
        ),
        pytest.param(
            ints(1, 2),
            pa.array([b"1", b"2"]),
            {},
            Status.TYPE_CHANGED,
            "binary values are no feature",
            id="stopped being a feature",
        ),
    ],
)
def test_a_feature_is_scored_or_says_why_not(reference, current, how, status, reason):
    found = verdict(reference, current, **{"thresholds": KL, **how})
    assert found.status is status
    assert reason in found.reason
    assert bool(reason) == bool(found.reason)
    if status in (Status.OK, Status.CONSTANT):
        assert found.severity is Severity.OK
        assert "kl" in found.scores
    else:
        assert found.severity is Severity.UNSCORED
        assert found.scores == {}
        assert found.verdicts.unscored == (status is not Status.NEW_FEATURE)


@pytest.mark.parametrize(
    ("reference", "current"),
    [(ints(*[5, 6] * MANY), ints(*[None] * MANY)), (ints(*[None] * MANY), ints(*[5, 6] * MANY))],
    ids=["all null now", "all null before"],
)
def test_all_null_on_one_side_is_drift(reference, current):
    found = verdict(reference, current)
    assert found.severity is Severity.CRITICAL
    assert "null" in found.reason


def test_a_kept_identifier_says_that_it_cannot_tell_anything():
    names = [f"id{i}" for i in range(40_000)]
    found = verdict(names, names, features={"override": {"x": {"keep": True}}})
    assert found.status is Status.CONSTANT
    assert found.reason == "no value is frequent enough for a cell of its own"


# ------------------------------------------------------------------ contributions


@quick
@given(
    st.lists(st.integers(0, 6) | st.none(), min_size=2, max_size=60),
    st.lists(st.integers(0, 6) | st.none(), min_size=2, max_size=60),
)
def test_contributions_of_the_cells_add_up_to_kl(reference, current):
    found = verdict(ints(*reference), ints(*current))
    cells = found.cells
    assert cells.contributions.sum() == pytest.approx(found.scores["kl"], abs=1e-12)
    assert cells.current.sum() == pytest.approx(1)
    assert cells.rows_current.sum() == len(current)
    assert cells.rows_reference.sum() == len(reference)
    assert cells.occupied.sum() == found.scores["cells"]


# ------------------------------------------------------------------ severity and reasons


def test_the_reason_for_an_alarm_names_score_limit_evidence_and_what_moved_most():
    reference = ["a"] * 700 + ["b"] * 200 + [None] * 100
    found = verdict(reference, ["a"] * 100 + ["b"] * 800 + ["new"] * 100, thresholds=KL)
    assert found.severity is Severity.CRITICAL
    kl = found.scores["kl"]
    interval = f"({found.scores['kl_low']:.3g} to {found.scores['kl_high']:.3g})"
    first, size, *_ = found.reason.split("; ")
    assert first == "'b' rose from 20.0 % to 80.0 % of the rows"
    assert size == f"kl {kl:.3g} {interval} is above critical 0.25, q < 1e-12"
    moved = found.reason.partition("; moved most: ")[2].split(", ")
    assert moved == [
        "'b' (20.0 % -> 80.0 %)",
        "values never seen in the reference (0.0 % -> 10.0 %)",
        "'a' (70.0 % -> 10.0 %)",
    ]


def test_a_large_score_of_a_few_rows_is_no_alarm():
    found = verdict(ints(1, 1, 1), ints(2, 2, 1, 3))
    assert found.scores["kl"] > 0.25
    assert found.severity is Severity.OK
    assert found.q_value > 0.01


def test_thresholds_of_a_feature_come_before_those_of_all():
    features = {"override": {"x": {"thresholds": {"kl": {"warning": 0.001, "critical": 5}}}}}
    many = 5 * MANY  # with fewer rows it is not sure that 0.055 is above 0.001
    sides = ints(*[1, 2] * many), ints(*[1, 2, 2] * many)
    assert verdict(*sides, thresholds=KL).severity is Severity.OK
    assert verdict(*sides, features=features, thresholds=KL).severity is Severity.WARNING


@pytest.mark.parametrize("name", ["x", "size(x)"])
def test_thresholds_of_a_column_hold_for_what_is_made_of_it(name):
    limits = {"kl": {"warning": 0.001, "critical": 5}, "bin_share_change": {"critical": 1}}
    strict = {"override": {name: {"thresholds": limits}}}
    sizes = [[1], [1, 2], [1, 2, 3]]  # of two, each would be judged as a category is
    sides = pa.array(sizes * MANY), pa.array([*sizes, [3, 4]] * MANY)
    found = rows_of(monitored({"x": sides[0]}, {"x": sides[1]}, features=strict))
    assert [(v.name, v.severity) for v in found] == [("size(x)", Severity.WARNING)]


def test_metrics_of_order_and_moments_do_not_judge_categories():
    limits = {m: {"warning": 0.0} for m in ("ks", "wasserstein", "gaussian_kl", "kl")}
    found = verdict(["a", "b"] * MANY, ["a", "b"] * MANY, thresholds=limits)
    assert found.severity is Severity.OK
    constant = verdict(ints(*[5] * MANY), ints(*[5] * MANY), thresholds=limits)
    assert constant.severity is Severity.OK


def test_a_metric_that_cannot_be_computed_is_unscored_and_not_ok():
    limits = {"gaussian_kl": {"warning": 0.1}}
    found = verdict(ints(*[1, 2] * MANY), ints(*[2, 2] * MANY), thresholds=limits)
    assert found.status is Status.OK
    assert found.severity is Severity.UNSCORED
    assert found.reason == "gaussian_kl could not be computed"
    assert found.verdicts.unscored


def test_few_rows_far_out_that_move_the_moments_are_pointed_out():
    usual = np.random.default_rng(0).normal(0, 1, 5_000)
    found = verdict(usual, np.append(usual, 1e6))
    assert found.severity is Severity.OK
    assert "; few rows far out make gaussian_kl " in found.reason
    assert " to 1000000, and from " in found.reason


def test_moments_that_move_with_most_of_the_rows_are_not_called_far_out():
    found = verdict(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([8.0, 9.0]), scoring={"pseudocount": 0.01}
    )
    assert found.scores["gaussian_kl"] > 1
    assert found.reason == ""


# ------------------------------------------------------------------ evidence of a run


def table(seed: int, shift: float) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {f"x{i}": rng.normal(shift * (i == 0), 1, 2_000) for i in range(6)}


ALONE = {"significance": {"correction": "none"}}


def p_above(found: VerdictRow, limit: float) -> float:
    """The p-value of the counts of a row."""
    cells = found.cells
    return float(above_limit_p(cells.rows_current[0], cells.rows_reference[0], limit))


def test_without_correction_q_is_the_p_value_of_a_divergence_above_the_limit():
    current = {**table(1, 0.8), "new": [1] * 2_000}
    verdicts = monitored(table(0, 0), current, **ALONE, thresholds=KL)
    shifted = row_of(verdicts, "x0")
    place = shifted.place
    assert shifted.q_value == p_above(shifted, 0.1)
    assert verdicts.q_values.critical[place] == p_above(shifted, 0.25)
    assert shifted.scores["p_value"] < shifted.q_value < verdicts.q_values.critical[place]
    assert row_of(verdicts, "x1").q_value == 1
    assert row_of(verdicts, "new").q_value is None


def test_q_values_correct_the_p_values_of_all_scored_features():
    sides = table(0, 0), table(1, 0.6)
    alone, together = (monitored(*sides, **how) for how in (ALONE, {}))
    for level in ("smallest", "critical"):
        p_values, q = (getattr(v.q_values, level) for v in (alone, together))
        assert q == pytest.approx(scipy.stats.false_discovery_control(p_values), rel=1e-12)


def test_without_a_limit_the_test_is_that_of_any_difference():
    for v in rows_of(monitored(table(0, 0), table(1, 1), thresholds={}, **ALONE)):
        assert v.q_value == v.scores["p_value"]
        assert np.isnan(v.verdicts.q_values.critical[v.place])


def test_a_limit_on_another_metric_needs_a_score_above_it_and_any_difference():
    how = {"thresholds": {"ks": {"warning": 0.2}}}
    verdicts = monitored(table(0, 0), table(1, 1), **how, **ALONE)
    shifted = row_of(verdicts, "x0")
    assert shifted.severity is Severity.WARNING
    assert shifted.q_value == shifted.scores["p_value"]
    assert row_of(verdicts, "x1").q_value == 1


@pytest.mark.parametrize(("rows", "severity"), [(400, Severity.OK), (40_000, Severity.WARNING)])
def test_a_divergence_above_its_limit_alarms_once_that_is_sure(rows, severity):
    quarters = rows // 40
    reference, current = [0] * 20 + [1] * 20, [0] * 10 + [1] * 30
    found = verdict(ints(*reference * quarters), ints(*current * quarters), thresholds=KL)
    assert found.scores["kl"] > 0.1
    assert found.severity is severity
    assert (found.scores["kl_low"] > 0.1) == (severity is Severity.WARNING)


def test_the_worst_verdict_comes_first():
    current = {**table(1, 2), "x3": [None] * 2_000, "x4": np.repeat(["a", "b"], 1_000)}
    found = rows_of(monitored(table(0, 0), current))
    severities = [v.severity for v in found]
    assert severities == [Severity.CRITICAL] * 2 + [Severity.UNSCORED] + [Severity.OK] * 3
    assert found[0].scores["kl"] > found[1].scores["kl"]


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Cell(CellKind.CATEGORY, label="a\nb"), r"'a\nb'"),
        (Cell(CellKind.VALUE, 5.0, 5.0, "5"), "5"),
        (Cell(CellKind.BIN, 0.0, 10.0), "0 to 10"),
        (Cell(CellKind.BIN, 1e9, 1e9 + 1), "1000000000 to 1000000001"),
        (Cell(CellKind.BIN, 0.1234567, 0.9), "0.12346 to 0.9"),
        (Cell(CellKind.UNDERFLOW, None, 1.5), "below 1.5, the reference's smallest"),
        (Cell(CellKind.OVERFLOW, 2.5), "above 2.5, the reference's largest"),
        (Cell(CellKind.OTHER), "all other values"),
        (Cell(CellKind.NAN), "NaN"),
        (Cell(CellKind.NULL), "null"),
        (Cell(CellKind.NEGATIVE_INFINITY), "-infinity"),
        (Cell(CellKind.POSITIVE_INFINITY), "+infinity"),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Cell) else "",
)
def test_a_cell_is_called_what_a_reader_understands(cell, text):
    assert cell_text(cell) == text


def test_some_of_the_verdicts_are_those_rows_of_every_column():
    quiet, moved = ["a", "b"] * MANY, ["a", "c"] * MANY
    found = monitored({"x": quiet, "y": quiet}, {"x": quiet, "y": moved})
    some = found.take(found.severity > found.severity.min())
    places = np.flatnonzero(found.severity > found.severity.min())
    assert 0 < len(some) < len(found)
    assert some.severity.tolist() == found.severity[places].tolist()
    assert some.q_values.smallest.tolist() == found.q_values.smallest[places].tolist()
    assert some.scores["kl"].tolist() == found.scores["kl"][places].tolist()
