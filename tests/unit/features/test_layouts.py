"""Values are the same in every layout of Arrow, and parts of them are features."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from kldrift import compare
from kldrift.errors import ConfigError
from kldrift.features.layouts import as_values, value_type

TEXTS = pa.array(["a", None, "é", "a"])
BYTES = pa.array([b"a", None, b"", b"abc"])
LISTS = pa.array([[1, 2], None, [], [3, None]], pa.list_(pa.int64()))
VECTORS = pa.array([[1.0, 2.0], None, [3.0, None], [5.0, 6.0]], pa.list_(pa.float64()))
DECIMALS = pa.array([Decimal("1.10"), None, Decimal("-2.00"), Decimal("1.10")], pa.decimal128(9, 2))
BOOLEANS = pa.array([True, None, False, True])


def extension(kind: pa.DataType, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


def view(kind: pa.DataType) -> pa.Array:
    return pa.array([[1, 2], None, [], [3, None]], kind)


OTHERS = {
    "string_view": (TEXTS.cast(pa.string_view()), TEXTS),
    "binary_view": (BYTES.cast(pa.binary_view()), BYTES),
    "dictionary of views": (TEXTS.cast(pa.string_view()).dictionary_encode(), TEXTS),
    "list_view": (view(pa.list_view(pa.int64())), LISTS),
    "large_list_view": (view(pa.large_list_view(pa.int64())), LISTS),
    "fixed_size_list": (VECTORS.cast(pa.list_(pa.float64(), 2)), VECTORS),
    "run_end_encoded": (pc.run_end_encode(TEXTS), TEXTS),
    "runs of a dictionary": (
        pa.RunEndEncodedArray.from_arrays(
            pa.array([1, 2, 3, 4], pa.int64()), TEXTS.dictionary_encode()
        ),
        TEXTS,
    ),
    "runs of views": (
        pa.RunEndEncodedArray.from_arrays(
            pa.array([1, 2, 3, 4], pa.int16()), TEXTS.cast(pa.string_view())
        ),
        TEXTS,
    ),
    "decimal32": (DECIMALS.cast(pa.decimal32(9, 2)), DECIMALS),
    "decimal64": (DECIMALS.cast(pa.decimal64(9, 2)), DECIMALS),
    "arrow.json": (extension(pa.json_(), TEXTS), TEXTS),
    "bool8": (extension(pa.bool8(), pa.array([1, None, 0, 7], pa.int8())), BOOLEANS),
}


@pytest.mark.parametrize("layout", OTHERS)
def test_values_are_the_same_in_every_layout(layout):
    other, plain = OTHERS[layout]
    assert as_values(other).to_pylist() == plain.to_pylist()
    assert as_values(other.slice(1)).to_pylist() == plain.slice(1).to_pylist()
    assert value_type(other.type) == value_type(plain.type)


@pytest.mark.parametrize("layout", OTHERS)
def test_a_column_of_another_layout_is_the_same_feature(layout):
    parts = {"override": {"x": {"parts": ["length"]}}} if layout == "binary_view" else {}
    tables = [pa.table({"x": pa.concat_arrays([side] * 30)}) for side in OTHERS[layout]]
    for sides in (tables, tables[::-1]):
        scores = compare(*sides, **parts).scores
        assert set(scores["status"]) <= {"ok", "constant"}
        assert scores["kl"].abs().max() < 1e-12


@pytest.mark.parametrize("layout", ["decimal32", "decimal64", "runs of a dictionary"])
def test_a_column_of_another_layout_makes_the_same_categories_and_segments(layout):
    rows = [pa.concat_arrays([as_values(s) if i else s] * 30) for i, s in enumerate(OTHERS[layout])]
    tables = [pa.table({"x": side, "y": [1, 2, 3, 4] * 30}) for side in rows]
    for sides in (tables, tables[::-1]):
        found = compare(*sides, override={"x": {"kind": "categorical"}}, segments=["x"])
        assert set(found.scores["status"]) <= {"ok", "constant"}
        assert set(found.scores["kl"]) == {0.0}
        assert found.scores["segment"].nunique() == len(set(rows[0].to_pylist()))


def test_what_is_inside_lists_may_have_another_layout_too():
    values = pa.array([Decimal(1), None, Decimal(3)] * 20, pa.decimal32(5, 1))
    runs = pa.RunEndEncodedArray.from_arrays(pa.array(range(2, 122, 2), pa.int32()), values)
    data = pa.table({"x": pa.ListArray.from_arrays(pa.array(range(0, 123, 3), pa.int32()), runs)})
    found = compare(data, data, override={"x": {"parts": ["nulls", "min", "max"]}}).scores
    means = dict(zip(found["feature"], found["mean_current"], strict=True))
    assert means == {"size(x)": 3, "nulls(x)": 1, "min(x)": 2, "max(x)": 2}


@pytest.mark.parametrize(
    "kind",
    [pa.duration("s"), pa.duration("ms"), pa.timestamp("s"), pa.timestamp("ms", "UTC")],
    ids=str,
)
def test_times_beyond_64_bits_of_microseconds_are_the_last_that_there_are(kind):
    far = pa.array([-(2**63), 2**62, 5, None] * 20, pa.int64()).view(kind)
    near = pa.array([5, 5, 5, None] * 20, pa.int64()).view(kind)
    tables = [pa.table({"x": side, "y": [1, 2, 3, 4] * 20}) for side in (far, near)]
    asked = {"x": {"parts": ["whole", "hour"]}} if pa.types.is_timestamp(kind) else {}
    same = compare(tables[0], tables[0], override=asked, segments=["x"])
    assert set(same.scores["kl"]) == {0.0}
    cells = same.cells[same.cells["segment"].isna() & (same.cells["feature"] == "x")]
    assert cells["rows_current"].tolist() == [20, 20, 20, 20]
    assert cells["lower"].iloc[2] == pytest.approx(2**63 / 1e6)
    moved = compare(tables[1], tables[0], override=asked).cells
    rows = moved[moved["feature"] == "x"].set_index("cell_kind")["rows_current"]
    assert (rows["underflow"], rows["overflow"]) == (20, 20)


def test_embeddings_of_one_size_are_vectors():
    rng = np.random.default_rng(0)
    kind = pa.list_(pa.float32(), 3)
    sides = [
        pa.FixedSizeListArray.from_arrays(rng.normal(m, 1, 900).astype("f4"), type=kind)
        for m in (0, 2)
    ]
    scores = compare(*[pa.table({"e": side}) for side in sides]).scores
    assert dict(zip(scores["feature"], scores["severity"], strict=True))["e"] == "critical"


@pytest.mark.parametrize(
    "kind",
    [
        pa.time32("s"),
        pa.time32("ms"),
        pa.time64("us"),
        pa.time64("ns"),
        pa.duration("ms"),
        pa.duration("ns"),
    ],
    ids=str,
)
def test_times_of_day_and_durations_are_numbers_of_seconds(kind):
    days = [dt.timedelta(hours=h) for h in (6, 7, 8)] * 30
    values = days if pa.types.is_duration(kind) else [(dt.datetime.min + d).time() for d in days]
    found = compare(
        pa.table({"x": pa.array(values, kind)}), pa.table({"x": pa.array(values[:45], kind)})
    )
    row = found.scores.iloc[0]
    assert (row["status"], row["kind"], row["severity"]) == ("ok", "numeric", "ok")
    assert row["mean_reference"] == 7 * 3600
    labels = found.cells["label"].dropna().tolist()
    assert labels[0] == ("6 h" if pa.types.is_duration(kind) else "06:00:00")


@pytest.mark.parametrize("fine", [pa.duration("ns"), pa.time64("ns")], ids=str)
def test_nanoseconds_are_told_apart_and_agree_with_the_microseconds_of_the_other_side(fine):
    nanos = np.random.default_rng(0).integers(100, 900, 600)
    coarse = pa.duration("us") if pa.types.is_duration(fine) else pa.time64("us")

    def table(counted, kind):
        return pa.table({"x": pa.array(counted).cast(kind)})

    low, high = (table(side, fine) for side in (nanos[nanos < 500], nanos[nanos >= 500]))
    (row,) = compare(low, high).scores.to_dict("records")
    assert (row["status"], row["severity"]) == ("ok", "critical")
    assert row["mean_reference"] == pytest.approx(nanos[nanos < 500].mean() * 1e-9, rel=1e-12)
    sides = table(nanos * 1_000, fine), table(nanos, coarse)
    for reference, current in (sides, sides[::-1]):
        result = compare(reference, current)
        (row,) = result.scores.to_dict("records")
        assert (row["status"], row["kl"]) == ("ok", 0.0)
        assert row["mean_reference"] == row["mean_current"]
        assert str(fine) in result.notes[0]


SECOND = dt.timedelta(seconds=1)
MIDNIGHT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
UNITS = {
    "instants": (MIDNIGHT, pa.timestamp("us"), pa.timestamp("ns"), "2024-01-01 00:00:01.000000"),
    "zones": (
        MIDNIGHT,
        pa.timestamp("s", "UTC"),
        pa.timestamp("ns", "Asia/Tokyo"),
        "2024-01-01 00:00:01.000000Z",
    ),
    "times of day": (MIDNIGHT, pa.time32("s"), pa.time64("ns"), "00:00:01.000000"),
    "durations": (0 * SECOND, pa.duration("s"), pa.duration("ns"), "1"),
}


@pytest.mark.parametrize(("first", "one", "other", "name"), UNITS.values(), ids=UNITS)
def test_segments_of_times_have_one_name_in_whichever_unit_they_are_stored(first, one, other, name):
    times = [first, first + SECOND]
    if pa.types.is_time(one):
        times = [time.time() for time in times]
    sides = (pa.table({"s": pa.array(times * 50, t), "x": [1, 1, 2, 2] * 25}) for t in (one, other))
    scores = compare(*sides, segments=["s"], include=["x"]).scores
    assert set(scores["n_current"]) == {100, 50}
    assert len(scores) == 3
    assert f"s={name}" in set(scores["segment"])


PARTS = {
    "text": (["ab", None, "", "é"] * 9, pa.string(), {"length": [2, None, 0, 1]}),
    "bytes": ([b"ab", None, b"", b"\xff"] * 9, pa.binary(), {"length": [2, None, 0, 1]}),
    "numbers": (
        [[3, 1], None, [], [None, 4]] * 9,
        pa.list_(pa.int32()),
        {
            "nulls": [0, None, 0, 1],
            "min": [1, None, None, 4],
            "mean": [2, None, None, 4],
            "max": [3, None, None, 4],
        },
    ),
    "texts": (
        [["a", None], None, [], ["b"]] * 9,
        pa.list_(pa.string()),
        {"nulls": [1, None, 0, 0]},
    ),
    "map": (
        [[("k", 1.0), ("l", 3.0)], None, [], [("k", None)]] * 9,
        pa.map_(pa.string(), pa.float64()),
        {"nulls": [0, None, 0, 1], "mean": [2, None, None, None]},
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_that_are_asked_for_are_features(name):
    values, kind, parts = PARTS[name]
    data = pa.table({"x": pa.array(values, kind)})
    found = compare(data, data, override={"x": {"parts": list(parts)}})
    rows = found.scores.set_index("feature")
    for part, expected in parts.items():
        row = rows.loc[f"{part}(x)"]
        numbers = [v for v in expected if v is not None]
        assert row["mean_reference"] == pytest.approx(np.mean(numbers))
        cells = found.cells[found.cells["feature"] == f"{part}(x)"].set_index("cell_kind")
        nulls = cells["rows_reference"].get("null", 0)
        assert nulls == 9 * (4 - len(numbers))


def test_a_part_that_a_type_has_not_is_an_error_that_names_those_it_has():
    data = pa.table({"x": ["a"]})
    with pytest.raises(
        ConfigError, match=r"x.parts: a column of string has no part 'hour'; its parts are length"
    ):
        compare(data, data, override={"x": {"parts": ["hour"]}})
    with pytest.raises(ConfigError, match=r"a column of int64 has no part 'hour'; it has no parts"):
        compare(pa.table({"x": [1]}), pa.table({"x": [1]}), override={"x": {"parts": ["hour"]}})


def test_other_layouts_are_the_same_in_files(tmp_path):
    for name, (other, plain) in OTHERS.items():
        if not name.startswith(("run", "dictionary")):  # Parquet has none
            pq.write_table(pa.table({"x": other}), tmp_path / "x.parquet")
            assert (
                as_values(pq.read_table(tmp_path / "x.parquet")["x"].chunk(0)).to_pylist()
                == plain.to_pylist()
            )
