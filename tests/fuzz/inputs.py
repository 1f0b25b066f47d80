"""One round with tables: in memory, as files through the Arrow reader, and with damaged files."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kldrift import compare
from kldrift.config import Dataset, Spark
from kldrift.errors import ConfigError, KldriftError
from kldrift.execution.engine import SparkEngine
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.execution.session import open_session
from kldrift.features.layouts import is_coded
from kldrift.monitor.compare import config_of
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.plan import make_plan
from kldrift.monitor.rows import cell_table, score_table
from kldrift.sources.open import open_files, open_source
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.program import Program, RowBatch
from kldrift.tables.stamp import Stamp
from kldrift.tables.window import Window
from tests.fuzz.slow_counts import check_counts
from tests.fuzz.tables import OF_SPARK, draw_override, draw_tables

STAMP = Stamp("r", "m", Window(None, None), "0" * 16, "0" * 16)
RULES: dict[str, Any] = {"joint": {}, "segments": (), "thresholds": None, "alpha": 0.01}
Found = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class FilesHere:
    """Parquet files as the tasks read them, but in this process."""

    files: ArrowSource

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)

    def batches(self, program: Program) -> Iterator[RowBatch]:
        """The rows, batch by batch."""
        return self.files.reader(program).batches(self.files.footers.pieces)


def of_tables(reference: pa.Table, current: pa.Table, override: dict[str, Any]) -> Found | None:
    """Compare two tables in memory; None if there is nothing to compare."""
    try:
        found = compare(reference, current, override=override)
    except ConfigError as error:
        refused(error)
        return None
    return found.scores, found.cells


def of_files(reference: Path, current: Path, override: dict[str, Any]) -> Found:
    """Compare two folders of Parquet files, read by the Arrow reader.

    Raises:
        KldriftError: they cannot be read, or there is nothing to compare.
    """
    sides = []
    for name, path in (("reference", reference), ("current", current)):
        source = open_files(Dataset(path=(str(path),)), name)
        assert isinstance(source, ArrowSource), source
        sides.append(FilesHere(source))
    return _compared(sides, MemoryEngine(*sides), override)


def through_spark(reference: Path, current: Path, override: dict[str, Any]) -> Found:
    """Compare two folders of Parquet files, read by Spark: its session lasts as this process does.

    Raises:
        KldriftError: they cannot be read, or there is nothing to compare.
    """
    spark, new = open_session(Spark(master="local[1]"), "fuzz")
    if new:
        spark.sparkContext.setLogLevel("OFF")
        spark.conf.set("spark.sql.shuffle.partitions", "1")
    sides = [
        open_source(spark, Dataset(path=(str(path),)), {}, way="dataframe", side=name)
        for name, path in (("reference", reference), ("current", current))
    ]
    return _compared(sides, SparkEngine(spark, *sides, SILENT), override)


def _compared(sides: Sequence[Any], engine: Any, override: dict[str, Any]) -> Found:
    features = {"include": ["*"], "exclude": [], "override": override, "derived": {}}
    plan = make_plan(config_of(features, **RULES, scoring={}), *sides)
    _, verdicts = compare_plan(plan, engine, SILENT)
    return score_table(verdicts, STAMP).to_pandas(), cell_table(verdicts, STAMP).to_pandas()


def refused(error: KldriftError) -> None:
    """Look at the text of an error.

    Raises:
        AssertionError: it has none, or control characters.
    """
    text = str(error)
    assert text, f"{type(error).__name__} without a text"
    assert not any(ord(c) < 32 and c != "\n" for c in text), f"control characters: {text!r}"


def check_tables(reference: pa.Table, current: pa.Table, override: dict[str, Any]) -> None:
    """Compare in memory and count again.

    Raises:
        AssertionError: a count is wrong, or another error than those of kldrift was raised.
    """
    try:
        found = of_tables(reference, current, override)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}") from error
    if found is not None:
        check_counts(*found, reference, current)


def write(table: pa.Table, folder: Path, rng: random.Random) -> pa.Table | None:
    """Write a table as one to three files; the table as Parquet has it, None if it has it not."""
    folder.mkdir(parents=True)
    size = max(1, -(-table.num_rows // rng.randint(1, 3)))
    noted = False
    try:
        for i in range(max(1, -(-table.num_rows // size))):
            pq.write_table(
                table.slice(i * size, size),
                folder / f"{i}.parquet",
                row_group_size=rng.choice((7, 50, 10**6)),
                compression=rng.choice(("none", "snappy", "zstd")),
                use_dictionary=rng.random() < 0.5,
                data_page_version=rng.choice(("1.0", "2.0")),
                store_schema=(notes := rng.random() < 0.7),
            )
            noted = noted or notes
        parts = [pq.ParquetFile(file).read() for file in sorted(folder.glob("*.parquet"))]
        whole = pa.concat_tables(parts)
    except (pa.ArrowException, ValueError):  # a type that Parquet does not have
        return None
    for i, field in enumerate(table.schema):
        if noted and is_coded(field.type):  # the footer says so
            whole = whole.set_column(i, field.name, whole.column(i).dictionary_encode())
    return whole


def check_files(folder: Path, rng: random.Random) -> None:
    """Write two tables, read them both ways, and compare with each other and the slow counts.

    Raises:
        AssertionError: they differ, or another error than those of kldrift was raised.
    """
    tables = draw_tables(rng)
    override = draw_override(tables[0], rng)
    paths = folder / "reference", folder / "current"
    written = [write(t, p, rng) for t, p in zip(tables, paths, strict=True)]
    if written[0] is None or written[1] is None:
        return
    try:
        expected = of_tables(written[0], written[1], override)
        try:
            found: Found | None = of_files(*paths, override)
        except ConfigError as error:
            refused(error)
            found = None
        assert (found is None) == (expected is None), f"{found} and {expected}"
        if found is None or expected is None:
            return
        check_counts(*found, written[0], written[1])
        for one, other in zip(found, expected, strict=True):
            columns = [c for c in one if c in other and c not in ("run_id", "reason", "monitor")]
            columns = [c for c in columns if not c.endswith("_id") and c != "config_hash"]
            pd.testing.assert_frame_equal(one[columns], other[columns])
    except AssertionError as error:
        raise AssertionError(f"{error}\n{written[0].schema}\n{written[1].schema}") from error
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{written[0].schema}") from error


def check_spark(folder: Path, rng: random.Random) -> None:
    """Write two tables, read them through Spark, and compare with Arrow and the slow counts.

    Raises:
        AssertionError: they differ, or another error than those of kldrift was raised.
    """
    tables = draw_tables(rng, OF_SPARK)
    override = draw_override(tables[0], rng)
    paths = folder / "reference", folder / "current"
    reference, current = (write(t, p, rng) for t, p in zip(tables, paths, strict=True))
    if reference is None or current is None:
        return
    schemas = f"{reference.schema}\n{current.schema}"
    try:
        scores, cells = through_spark(*paths, override)
        check_counts(scores, cells, reference, current)
        by_arrow, _ = of_files(*paths, override)
        both = scores.merge(by_arrow, on="feature", suffixes=("", "_arrow"))
        both = both[both["kind"] == both["kind_arrow"]]
        for name in ("status", "kl", "missing_current", "n_current", "mean_current"):
            one, other = both[name], both[f"{name}_arrow"]
            pd.testing.assert_series_equal(one, other, check_names=False, check_dtype=False)
    except KldriftError as error:
        refused(error)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{override}\n{schemas}") from error
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{schemas}") from error


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes of which some are others, or gone."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if not data:
            break
        place = rng.randrange(len(data))
        if rng.random() < 0.2:
            del data[place : place + rng.choice((1, 9, 10**6))]
        else:
            data[place] = rng.randrange(256)
    return bytes(data)


def check_damaged(folder: Path, rng: random.Random) -> None:
    """Damage one of the files: it is refused by kldrift's own error, or every row is counted.

    Raises:
        AssertionError: it is neither.
    """
    reference, _ = draw_tables(rng)
    path = folder / "damaged"
    if write(reference, path, rng) is None:
        return
    file = rng.choice(sorted(path.glob("*.parquet")))
    file.write_bytes(damaged(file.read_bytes(), rng))
    try:
        scores, _ = of_files(path, path, {})
        scored = scores[scores["status"].isin(["ok", "constant"])]
        assert scored["n_reference"].nunique() <= 1, "features have other numbers of rows"
    except KldriftError as error:
        refused(error)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{reference.schema}") from error
