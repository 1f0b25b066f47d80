"""Values that stand for a missing one are counted beside nulls."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_values import values_of

from kldrift import compare
from kldrift.config import Dataset, Features, Override, config_from_mapping
from kldrift.errors import ConfigError
from kldrift.features.sentinels import without_sentinels
from kldrift.sources.open import open_files


@pytest.mark.parametrize(
    ("column", "sentinels"),
    [
        (pa.array([1, -200, None], pa.int16()), (-200.0,)),
        (pa.array([1, 255, None], pa.uint8()), (255, -200)),
        (pa.array([1.0, -200.0, None], pa.float32()), (-200,)),
        (pa.array([1.0, 0.1, None], pa.float32()), (0.1,)),
        (pa.array([1.0, 0.1, None]).cast(pa.float16()), (0.1,)),
        (pa.array([Decimal("1.00"), Decimal("-200.00"), None]), (-200.0,)),
        (pa.array([Decimal("1.00"), Decimal("0.10"), None]), (0.1,)),
        (pa.array(["a", "NA", None]), ("NA", 5)),
        (pa.array(["a", "NA", None]).dictionary_encode(), ("NA",)),
        (pa.array(["a", "-", None], pa.large_string()), ("-",)),
    ],
    ids=str,
)
def test_sentinels_of_every_type_become_nulls(column, sentinels):
    assert without_sentinels(column, sentinels).is_null().to_pylist() == [False, True, True]


def test_sentinels_are_counted_with_the_nulls_and_no_bin_holds_them():
    reference = pd.DataFrame({"t": [10.0, 11, 12, 13, -200, None] * 50})
    current = pd.DataFrame({"t": [10.0, 11, 12, 13, None, -200] * 40})
    result = compare(reference, current, override={"t": {"missing": [-200]}})
    nulls = result.cells.set_index("cell_kind").loc["null"]
    assert (nulls["rows_reference"], nulls["rows_current"]) == (100, 80)
    assert -200 not in set(result.cells["lower"]) | set(result.cells["upper"])


def test_files_that_arrow_reads_have_the_same_nulls(tmp_path):
    pq.write_table(pa.table({"t": [1, -200, None, 3]}), tmp_path / "x.parquet")
    wanted = Features(override={"t": Override(missing=(-200,))})
    source = open_files(Dataset(path=(str(tmp_path / "x.parquet"),)), "current")
    assert values_of(source, wanted) == {"t": [1, None, None, 3]}


def test_a_time_has_no_sentinels():
    frame = pd.DataFrame({"t": pd.to_datetime(["2024-01-01"] * 3), "x": 1})
    override = {"t": {"missing": [-1], "parts": ["hour"]}}
    with pytest.raises(ConfigError, match=r"t\.missing: expected a column of numbers or text"):
        compare(frame, frame, override=override)


def test_a_sentinel_is_a_number_or_a_text():
    with pytest.raises(ConfigError, match="missing"):
        config_from_mapping(
            {
                "monitor": "m",
                "reference": {"path": "a.parquet"},
                "current": {"path": "b.parquet"},
                "output": {"path": "o"},
                "features": {"override": {"t": {"missing": [True]}}},
            }
        )
