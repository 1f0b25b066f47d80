"""Files of other projects come through Spark with the rows that Arrow gives, or are refused too."""

from __future__ import annotations

from collections import Counter

import pytest
from shared_files import FILES, NEEDED, ROWS, dataset
from source_values import values_of

from kldrift.config import config_from_mapping
from kldrift.errors import DatasetError
from kldrift.execution.engine import errors_of_reading
from kldrift.monitor.run import run
from kldrift.sources.open import open_files, open_source

pytestmark = [pytest.mark.spark, NEEDED]


@pytest.fixture(scope="module")
def session(new_session):
    """A session with the settings of Spark itself."""
    own = new_session()
    own.conf.set("spark.sql.caseSensitive", "false")
    return own


def by_spark(session, name, **more):
    """The rows of a file, by column, or why it is refused."""
    try:
        asked = dataset(name, **more)
        source = open_source(session, asked, {}, way="dataframe", side="current")
        with errors_of_reading(source):
            rows = source.frame.collect()
    except DatasetError as error:
        return str(error)
    return {n: Counter(r[i] for r in rows) for i, n in enumerate(source.frame.columns)}


def test_the_rows_are_those_that_arrow_gives(session, monkeypatch):
    monkeypatch.chdir(FILES / "iceberg")
    wrong = {}
    for name, expected in ROWS.items():
        found = by_spark(session, name)
        if isinstance(expected, str):
            as_it_should = isinstance(found, str) and "\n" not in found
            if name.split("/")[0] in ("parquet", "damaged", "text"):  # the file is named
                as_it_should &= name.split("/")[-1] in found
        elif name.startswith("text"):
            as_it_should = {c.total() for c in found.values()} == {expected}
        elif name.startswith("parquet"):
            values = values_of(open_files(dataset(name), "current"))
            shared = {n: Counter(v) for n, v in values.items() if n in found}
            as_it_should = bool(shared) and all(found[n] == of for n, of in shared.items())
        else:  # no reader of Spark's is here
            as_it_should = "this Spark has no reader for" in found
        if not as_it_should:
            wrong[name] = found
    assert not wrong


@pytest.mark.parametrize("where", [None, "1 = 1"], ids=["all rows", "where"])
def test_a_name_that_occurs_twice_is_a_row_with_a_status_and_the_rest_is_judged(
    session, tmp_path, where
):
    side = {"path": str(FILES / "parquet/bug13053-2.parquet"), "where": where}
    config = {"reference": side, "current": side, "output": {"path": str(tmp_path / "out")}}
    config |= {"monitor": "m", "expectations": False, "scan": "dataframe"}
    found = run(config_from_mapping(config), spark=session)
    status = dict(zip(found.scores["feature"], found.scores["status"], strict=True))
    assert status.pop("column") == "error"
    assert set(status) == {"column_1"}
    assert status["column_1"] in ("ok", "constant")
    assert found.exit_code == 4


@pytest.mark.parametrize("scan", ["auto", "dataframe"])
def test_rows_that_nobody_counted_are_not_said_to_be_none(session, tmp_path, scan):
    side = {"path": str(FILES / "parquet/delta_length_byte_array.parquet")}
    config = {"reference": side, "current": side, "output": {"path": str(tmp_path / "out")}}
    config |= {"monitor": "m", "expectations": False, "scan": scan}
    found = run(config_from_mapping(config), spark=session)
    assert found.exit_code == 4  # its only column is different in each row
    rows = 1000 if scan == "auto" else None
    assert found.summary()["rows_reference"] == rows
    assert found.summary()["rows_current"] == rows
