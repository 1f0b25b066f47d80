"""Values are the same in every layout of Arrow, and parts of them are features."""

from __future__ import annotations

import datetime as dt

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
        if name not in ("run_end_encoded", "dictionary of views"):  # Parquet has none
            pq.write_table(pa.table({"x": other}), tmp_path / "x.parquet")
            assert (
                as_values(pq.read_table(tmp_path / "x.parquet")["x"].chunk(0)).to_pylist()
                == plain.to_pylist()
            )
