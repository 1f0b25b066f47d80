"""The same values in other types are the same; other values of them are not."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kldrift import compare
from kldrift.features.rounding import Rounding

AMOUNTS = np.round(np.random.default_rng(0).gamma(2, 30, 600), 2)
DECIMALS = [Decimal(f"{amount:.2f}") for amount in AMOUNTS]
SAME = {
    "double": pa.array(AMOUNTS),
    "float32": pa.array(AMOUNTS.astype(np.float32)),
    "float16": pa.array(AMOUNTS.astype(np.float16)),
    "decimal(10, 2)": pa.array(DECIMALS, pa.decimal128(10, 2)),
    "decimal(38, 18)": pa.array(DECIMALS, pa.decimal128(38, 18)),
    "decimal256(50, 4)": pa.array(DECIMALS, pa.decimal256(50, 4)),
}
SMALL = pa.array([1, 0, 1] * 30)


def scored(reference, current, **override):
    how = {"override": {"x": override}} if override else {}
    result = compare(pa.table({"x": reference}), pa.table({"x": current}), **how)
    return result.scores.iloc[0], result.notes


@pytest.mark.parametrize(("reference", "current"), list(permutations(SAME, 2)))
def test_the_same_numbers_in_another_type_have_no_drift_and_a_note(reference, current):
    found, notes = scored(SAME[reference], SAME[current])
    assert (found["status"], found["kl"], found["severity"]) == ("ok", 0.0, "ok")
    types = f"{SAME[reference].type} in the reference, {SAME[current].type} in the current dataset"
    assert notes == [f"compared although the type is another: x ({types})"]


@pytest.mark.parametrize(("reference", "current"), list(permutations(["double", "float32"], 2)))
def test_the_same_numbers_in_another_type_are_the_same_categories(reference, current):
    sides = [pa.concat_arrays([SAME[side].slice(0, 3)] * 20) for side in (reference, current)]
    found, _ = scored(*sides, kind="categorical")
    assert (found["status"], found["kl"]) == ("ok", 0.0)


@pytest.mark.parametrize("current", ["float32", "decimal(10, 2)"])
def test_numbers_that_moved_are_found_in_another_type_too(current):
    moved = pa.array(AMOUNTS * 3).cast(pa.float32())
    if current.startswith("decimal"):
        moved = pa.array([Decimal(f"{a * 3:.2f}") for a in AMOUNTS], pa.decimal128(10, 2))
    found, _ = scored(SAME["double"], moved)
    assert found["severity"] == "critical"


@pytest.mark.parametrize("top", [0, 2**63, 2**64 - 9])
def test_integers_without_a_sign_differ_in_their_last_digit(top):
    def side(*rows):
        values = pa.array(np.repeat(np.arange(3, dtype=np.uint64) + np.uint64(top), rows))
        return pa.table({"x": values, "g": pa.array(["a", "b"] * (len(values) // 2))})

    result = compare(side(50, 50, 0), side(50, 30, 20), segments="g")
    x = result.scores[result.scores["feature"] == "x"].iloc[0]
    assert (x["status"], x["kl"] > 0.1) == ("ok", True)
    whole = result.cells[result.cells["segment"].isna() & (result.cells["feature"] == "x")]
    assert whole["rows_current"].sum() == 100
    labels = dict(zip(whole["label"], whole["rows_current"], strict=True))
    assert (labels[str(top)], labels[str(top + 1)]) == (50, 30)
    assert x["mean_reference"] == float(top + 0.5)
    assert x["std_reference"] == (0.5 if top < 2**53 else 0.0)  # as doubles have it


@pytest.mark.parametrize("segments", [(), "g"])
def test_integers_without_a_sign_are_scored_as_those_with_one(segments):
    rng = np.random.default_rng(1)
    groups = pa.array(["a", "b"] * 2_000)
    sides = [pa.array(rng.poisson(lam, 4_000)) for lam in (3_000, 3_050)]
    with_sign, without = (
        compare(*[pa.table({"x": s.cast(t), "g": groups}) for s in sides], segments=segments)
        for t in (pa.int64(), pa.uint64())
    )
    for name in ("scores", "cells"):
        one, other = (
            getattr(r, name).drop(columns="reference_id", errors="ignore")
            for r in (with_sign, without)
        )
        pd.testing.assert_frame_equal(one, other, rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("categorical", pa.array(["1", "0", "1"] * 30)),
        ("categorical", pa.array([1.0, 0.0, 1.0] * 30)),
        ("categorical", pa.array([True, False, True] * 30)),
        ("numeric", pa.array([True, False, True] * 30)),
        ("numeric", pa.array([True, False, True] * 30).dictionary_encode()),
    ],
    ids=["text", "double", "boolean", "boolean as number", "dictionary of booleans"],
)
def test_what_is_one_value_by_the_stated_kind_is_one_on_both_sides(kind, other):
    for sides in ((SMALL, other), (other, SMALL)):
        found, notes = scored(*sides, kind=kind)
        assert (found["status"], found["kl"]) == ("ok", 0.0)
        assert notes


def test_without_a_stated_kind_numbers_and_text_are_not_compared():
    found, notes = scored(SMALL, SMALL.cast(pa.string()))
    assert found["status"] == "type_changed"
    assert found["reason"].startswith("int64 in the reference, string in the current dataset; if")
    assert not any("compared although" in note for note in notes)


@pytest.mark.parametrize("other", [SMALL, SMALL.cast(pa.int8()), SMALL.cast(pa.float64())], ids=str)
def test_dictionaries_of_integers_are_categories_whatever_the_other_side_has(other):
    codes = SMALL.dictionary_encode()
    for sides in ((codes, codes), (codes, other), (other, codes)):
        found, _ = scored(*sides)
        assert (found["status"], found["kl"], found["kind"]) == ("ok", 0.0, "categorical")
    found, _ = scored(codes, other, kind="numeric")
    assert (found["status"], found["kl"], found["kind"]) == ("ok", 0.0, "numeric")


def test_codes_on_one_side_are_told():
    _, notes = scored(SMALL, SMALL.dictionary_encode())
    types = "int64 in the reference, dictionary of int64 in the current dataset"
    assert notes == [f"compared although the type is another: x ({types})"]


def test_categories_of_pandas_are_categories_though_they_are_numbers():
    frame = pd.DataFrame({"x": pd.Categorical([3, 1, 2, 1] * 30), "y": [3, 1, 2, 1] * 30})
    frame["z"] = frame["x"].astype(object).astype(float).astype("category")
    kinds = compare(frame, frame).scores.set_index("feature")["kind"].to_dict()
    assert kinds == {"x": "categorical", "y": "numeric", "z": "numeric"}


@pytest.mark.parametrize(
    ("values", "rounding", "expected"),
    [
        (pa.array([1.005, None, 1e300, np.inf]), Rounding(decimals=1), [1.0, None, 1e300, np.inf]),
        (pa.array([2**53 + 1, None]), Rounding(decimals=2), [2**53 + 1, None]),
        (pa.array([0.1, 1e300, None]), Rounding(bits=32), [np.float32(0.1), np.inf, None]),
        (
            pa.array([Decimal("0.126")], pa.decimal128(9, 3)),
            Rounding(decimals=2),
            [Decimal("0.13")],
        ),
        (pa.array(["1.25", None]), Rounding(decimals=1), ["1.25", None]),
        (pa.array([True, None]), Rounding(whole=True), [1, None]),
        (pa.array([None, None]), Rounding(decimals=1), [None, None]),
    ],
    ids=["double", "integer", "float32", "decimal", "text", "boolean", "nulls"],
)
def test_values_are_rounded_to_what_both_types_hold(values, rounding, expected):
    assert rounding.of(values).to_pylist() == expected
    assert rounding.of(values.dictionary_encode()).to_pylist() == expected


def test_what_is_no_number_stays_so():
    values = Rounding(decimals=1, bits=32).of(pa.array([float("nan"), 1.0, None]))
    assert values.null_count == 1
    assert np.isnan(values[0].as_py())


BEYOND = {
    "integers without a sign": pa.array([2**63 + 1, 2**64 - 1, 5] * 30, pa.uint64()),
    "integers": pa.array([2**53 + 1, 2**60 + 3, 5] * 30),
}


@pytest.mark.parametrize("name", BEYOND)
@pytest.mark.parametrize("digits", [0, 9])
def test_categories_keep_all_digits_where_no_side_has_floats(name, digits):
    whole = BEYOND[name]
    other = pa.array([Decimal(v) for v in whole.to_pylist()], pa.decimal128(20 + digits, digits))
    for sides in ((whole, other), (other, whole)):
        found, _ = scored(*sides, kind="categorical")
        assert (found["status"], found["kl"]) == ("ok", 0.0)


SEGMENTS = {
    "float32": (pa.array([0.1, 1e-5] * 30), pa.array([0.1, 1e-5] * 30, pa.float32())),
    "doubles": (
        pa.array([0.1, 1e-5] * 30, pa.float32()),
        pa.array([0.1, 1e-5] * 30, pa.float32()).cast(pa.float64()),
    ),
    "decimals": (
        pa.array([Decimal("0.10"), Decimal("0.30")] * 30, pa.decimal128(9, 2)),
        pa.array([0.1, 0.1 + 0.2] * 30),
    ),
    "booleans": (pa.array([1, 0] * 30), pa.array([True, False] * 30)),
    "booleans of a byte": (
        pa.array([1, 0] * 30).dictionary_encode(),
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0] * 30, pa.int8())),
    ),
}


@pytest.mark.parametrize("current", SEGMENTS)
def test_the_same_values_in_another_type_are_the_same_segments(current):
    sides = (pa.table({"x": side, "y": [1, 2] * 30}) for side in SEGMENTS[current])
    found = compare(*sides, include=["y"], segments=["x"])
    assert found.scores["n_current"].tolist() == [60, 30, 30]
    assert set(found.scores["kl"]) == {0.0}


def test_segments_whose_values_changed_their_type_say_so():
    sides = (pa.table({"x": side, "y": [1, 2] * 30}) for side in ([True, False] * 30, [1, 0] * 30))
    (_, reason), *_ = compare(*sides, include=["y"], segments=["x"]).skipped
    assert reason.endswith("had; 'x' is bool in the reference, int64 in the current dataset")


ASKED_OF_NULLS = {
    "hour": (pa.array([0, 3_600] * 30, pa.timestamp("s")), {"parts": ["hour"]}, "hour(x)"),
    "length": (pa.array(["a", "bc"] * 30), {"parts": ["length"]}, "length(x)"),
    "missing": (pa.array([1, 2] * 30), {"missing": [-1]}, "x"),
    "kind": (pa.array([True, False] * 30), {"kind": "numeric"}, "x"),
}


@pytest.mark.parametrize("asked", ASKED_OF_NULLS)
def test_a_column_of_nulls_alone_has_what_is_asked_of_the_other_side(asked):
    column, override, name = ASKED_OF_NULLS[asked]
    for sides in ((column, pa.nulls(60)), (pa.nulls(60), column)):
        tables = (pa.table({"x": side}) for side in sides)
        found = compare(*tables, override={"x": override}).scores.set_index("feature").loc[name]
        assert (found["status"], found["severity"]) == ("ok", "critical")
        assert {found["missing_reference"], found["missing_current"]} == {0, 60}
