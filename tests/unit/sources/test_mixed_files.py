"""Files that have a column in different types: only that column is not read."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from source_values import values_of

from kldrift.config import Dataset
from kldrift.errors import ConfigError, DatasetError
from kldrift.features.group_columns import check_time
from kldrift.monitor.compare import config_of
from kldrift.monitor.plan import make_plan
from kldrift.sources.open import open_files
from tests.fuzz.inputs import of_files


def folder(path, *tables):
    path.mkdir(parents=True)
    for i, table in enumerate(tables):
        pq.write_table(table, path / f"{i}.parquet")
    return open_files(Dataset(path=(str(path),)), "current")


def config_with(*, segments=(), **features):
    scoring = {"thresholds": None, "alpha": 0.01, "scoring": {}}
    all_of_it = {"include": ["*"], "exclude": (), "override": {}, "derived": {}}
    return config_of({**all_of_it, **features}, joint={}, segments=segments, **scoring)


def plan(reference, current, **features):
    return make_plan(config_with(**features), reference, current)


PLAIN = pa.table({"x": [1, 2], "y": [1, 2]})
TEXT = pa.table({"x": ["1", "2"], "y": [3, 4]})


def test_a_column_of_two_types_is_told_and_the_others_are_compared(tmp_path):
    mixed = folder(tmp_path / "mixed", PLAIN, TEXT)
    plain = folder(tmp_path / "plain", PLAIN)
    for sides in ((plain, mixed), (mixed, plain), (mixed, mixed)):
        pairs = {p.feature.name: p for p in plan(*sides).pairs}
        assert pairs["y"].both
        assert not pairs["x"].both
        assert "int64 in " in pairs["x"].changed
        assert "0.parquet' and string in " in pairs["x"].changed
        assert "in the reference" in pairs["x"].changed


def test_a_column_of_two_types_can_be_excluded(tmp_path):
    mixed = folder(tmp_path / "mixed", PLAIN, TEXT)
    found = plan(mixed, mixed, exclude=["x"])
    assert [p.feature.name for p in found.pairs] == ["y"]
    assert [(s.column, s.reason) for s in found.skipped] == [("x", "excluded by the configuration")]


def test_a_column_of_two_types_that_where_names_is_an_error(tmp_path):
    folder(tmp_path / "mixed", PLAIN, TEXT)
    with pytest.raises(DatasetError, match=r"where names 'x': its types do not fit together"):
        open_files(Dataset(path=(str(tmp_path / "mixed"),), where="x > 1"), "current")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": "u"}, {"s.a": "int64", "s.b": "string"}),
        ({"a": 1, "b": "u"}, {"a": 1}, {"s.a": "int64", "s.b": "string"}),
        ({"a": 1}, {"a": 1.5}, {"s.a": "double"}),
        ({"a": 1, "b": {"c": 1}}, {"b": {"c": "u", "d": 1}}, {"s.a": "int64", "s.b.d": "int64"}),
    ],
    ids=["gains a field", "loses a field", "gets a wider field", "has a mixed field"],
)
def test_a_struct_may_change_its_fields(tmp_path, first, second, expected):
    tables = [pa.table({"s": [value] * 9}) for value in (first, second)]
    source = folder(tmp_path / "files", *tables)
    found = plan(source, source)
    assert {p.feature.name: p.feature.type for p in found.compared} == expected
    mixed = [p.feature.name for p in found.pairs if not p.both]
    assert mixed == (["s.b.c"] if "b" in first and "c" in str(first) else [])


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((pa.uint64(), pa.uint8()), pa.uint64()),
        ((pa.int32(), pa.uint64()), pa.float64()),
        ((pa.uint32(), pa.int8()), pa.int64()),
    ],
)
def test_integers_of_two_types_fit_a_type_that_holds_both(tmp_path, kinds, expected):
    source = folder(tmp_path / "files", *[pa.table({"x": pa.array([1], k)}) for k in kinds])
    assert source.schema.field("x").type == expected


def test_lists_of_numbers_of_two_types_fit_together(tmp_path):
    kinds = pa.list_(pa.int32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 2)
    tables = [pa.table({"e": pa.array([[1, 2]], kind)}) for kind in kinds]
    source = folder(tmp_path / "files", *tables)
    assert source.schema.field("e").type == pa.list_(pa.float64())
    assert source.foreign == ()


def test_a_segment_column_of_two_types_is_an_error_that_says_so(tmp_path):
    mixed = folder(tmp_path / "mixed", PLAIN, TEXT)
    with pytest.raises(ConfigError, match=r"'x' of the reference cannot be read: its types do not"):
        make_plan(config_with(segments=["x"]), mixed, mixed)


def test_a_field_whose_name_differs_in_case_from_file_to_file_is_told(tmp_path):
    """Each spelling was a feature that is null in the files of the other."""

    def of(*names):
        return pa.table({"s": [dict.fromkeys(names, 1.5)] * 2, "y": [1, 2]})

    lower, upper, none, both = of("u", "v"), of("U", "v"), of("v"), of("u", "U", "v")
    for i, tables in enumerate([(lower, none, upper), (upper, lower, lower)]):
        mixed = folder(tmp_path / f"{i}", *tables)
        pairs = {p.feature.name: p for p in plan(mixed, mixed).pairs}
        assert sorted(pairs) == ["s.U", "s.u", "s.v", "y"]
        assert pairs["s.v"].both
        first, other = ("u", "U") if i == 0 else ("U", "u")
        for name in ("s.u", "s.U"):
            assert f"named {first!r} in " in pairs[name].changed
            assert f"0.parquet' and {other!r} in " in pairs[name].changed
    alone = folder(tmp_path / "both", both, both)
    assert {p.feature.name for p in plan(alone, alone).compared} == {"y", "s.u", "s.U", "s.v"}


def hours_and_seconds(first, time, of_day):
    seconds = pa.array(range(first, first + 48), pa.int32())
    hours = pc.multiply(seconds.cast(pa.int64()), 3600)
    return pa.table(
        {
            "at": hours.cast(pa.timestamp("s", "UTC")).cast(time),
            "of_day": seconds.cast(pa.time32("s")).cast(of_day),
        }
    )


OF_UTC = (pa.timestamp("us", "UTC"), pa.time64("us"))
OF_WRITERS = (
    (pa.timestamp("ms", "UTC"), pa.time32("s")),
    (pa.timestamp("us", "Europe/Berlin"), pa.time64("us")),
    (pa.timestamp("ns", "America/New_York"), pa.time64("ns")),
)
"""What three writers make of the same times."""


def test_times_of_files_in_other_units_and_zones_are_the_same_times(tmp_path):
    """A column of such times was none, and whoever named it was told that there is none."""
    starts = 0, 48, 96
    folder(tmp_path / "alike", *[hours_and_seconds(at, *OF_UTC) for at in starts])
    mixed = folder(
        tmp_path / "mixed",
        *[hours_and_seconds(at, *kinds) for at, kinds in zip(starts, OF_WRITERS, strict=True)],
    )
    assert mixed.schema.types == [*OF_UTC]
    assert mixed.foreign == ()
    override = {"at": {"parts": ["whole", "hour"]}}
    scores, _ = of_files(tmp_path / "alike", tmp_path / "mixed", override)
    assert [*scores["feature"]] == ["at", "hour(at)", "of_day"]
    assert {*scores["status"], *scores["kl"]} == {"ok", 0.0}
    assert scores["mean_current"].tolist() == scores["mean_reference"].tolist()


@pytest.mark.parametrize("relation", [">=", "<"])
def test_where_compares_times_of_files_in_other_zones(tmp_path, relation):
    tables = [hours_and_seconds(0, *kinds) for kinds in OF_WRITERS]
    folder(tmp_path / "mixed", *tables)
    where = f"at {relation} TIMESTAMP '1970-01-02 00:00:00'"
    source = open_files(Dataset(path=(str(tmp_path / "mixed"),), where=where), "current")
    assert len(values_of(source)["of_day"]) == 72


def test_times_with_and_without_a_zone_do_not_fit_together_and_who_names_them_is_told(tmp_path):
    zoned = hours_and_seconds(0, *OF_UTC)
    plain = zoned.set_column(0, "at", zoned["at"].cast(pa.timestamp("us")))
    mixed = folder(tmp_path / "mixed", zoned, plain)
    with pytest.raises(ConfigError, match=r"^time.column: 'at' of the data cannot be read: its ty"):
        check_time("at", mixed.schema, mixed.foreign)
