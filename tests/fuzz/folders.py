"""One round with folders: files that do not fit together, damaged logs, what is nearly CSV."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from kldrift import compare
from kldrift.cli.csv_dialect import dialect_of
from kldrift.config import Dataset
from kldrift.errors import ConfigError, KldriftError
from kldrift.sources.open import open_files
from kldrift.sources.predicates.translate import Unsupported
from tests.fuzz.inputs import damaged, of_files, refused, write
from tests.fuzz.tables import OTHERS, PLAIN, draw_override, draw_tables

CSV = (
    *"abc;,\t|\"'\\\n\r0123456789.-:/ \0é%€",
    "\r\n",
    '""',
    "12,5",
    "31.12.2024",
    "\ufeff",
    "null",
)
ZONES = ("UTC", "Europe/Berlin", "Pacific/Auckland", "+05:30")
OF_WRITERS: tuple[list[pa.DataType], ...] = (
    [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float64(), pa.decimal128(19, 0)],
    [pa.uint8(), pa.uint16(), pa.uint32(), pa.int64()],
    [pa.uint64(), pa.decimal128(20, 0), pa.decimal128(38, 9)],
    [pa.float32(), pa.float64()],
    [pa.decimal128(9, 2), pa.decimal128(18, 2), pa.decimal128(38, 3), pa.decimal256(50, 4)],
    [pa.decimal32(9, 2), pa.decimal64(18, 2), pa.decimal128(20, 2), pa.decimal128(38, 6)],
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
    [pa.date32(), pa.date64()],
    [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")],
    [pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")],
    [pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in ZONES],
    [pa.list_(pa.int32()), pa.large_list(pa.int64()), pa.list_(pa.float64())],
)
"""Types in which writers have the same values."""
ENCODINGS = ("utf-8", "latin-1", "utf-16", "cp1252", "utf-8-sig")


def check_mixed(folder: Path, rng: random.Random) -> None:
    """Read a folder whose files have other columns or types, as `kldrift.errors` or rows.

    Raises:
        AssertionError: another error was raised, or features have other numbers of rows.
    """
    tables = [table for _ in range(rng.randint(1, 2)) for table in draw_tables(rng)]
    places = []
    written = []
    for number, table in enumerate(tables):
        if (kept := write(table, folder / str(number), rng)) is not None:
            written.append(kept)
            places.append(folder / str(number))
        else:
            shutil.rmtree(folder / str(number))
    if not written:
        return
    rows = sum(t.num_rows for t in written)
    schemas = "\n".join(str(t.schema) for t in written)
    try:
        scores, _ = of_files(folder, rng.choice(places), {})
    except KldriftError as error:
        refused(error)
        return
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{schemas}") from error
    scored = scores[scores["status"].isin(["ok", "constant"])]
    counted = set(scored["n_reference"])
    assert counted <= {rows}, f"{counted} of {rows} rows\n{schemas}"


def check_writers(folder: Path, rng: random.Random) -> None:
    """Read the same rows as one writer has them and as several do: there is no difference.

    Raises:
        AssertionError: there is one, or an error was raised.
    """
    # Without Arrow's notes a duration is an integer, of which nobody knows what it counts.
    table, _ = draw_tables(rng, [k for k in (*PLAIN, *OTHERS) if not pa.types.is_duration(k)])
    table = table.rename_columns([f"c{i}" for i in range(table.num_columns)])
    size = max(1, -(-table.num_rows // rng.randint(1, 4)))
    parts = [_of_a_writer(table.slice(at, size), rng) for at in range(0, table.num_rows, size)]
    days = [write(p, folder / "current" / f"day={i}", rng) for i, p in enumerate(parts)]
    if not days or None in days or write(table, folder / "reference", rng) is None:
        return
    schemas = "\n".join(str(day.schema) for day in days if day is not None)
    override = draw_override(table, rng)
    try:
        scores, _ = of_files(folder / "reference", folder / "current", override)
    except Exception as error:
        if "no feature is left" in str(error):
            return
        raise AssertionError(f"{type(error).__name__}: {error}\n{override}\n{schemas}") from error
    scores = scores[(scores["feature"] != "day") & (scores["kind"] != "joint")]
    alike = scores["status"].isin(["ok", "constant", "empty", "too_few_rows"])
    others = scores[~alike | (scores["kl"].fillna(0) != 0)]
    shown = others[["feature", "status", "kl", "reason"]].to_dict("records")
    assert others.empty, f"{shown}\n{override}\n{table.schema}\n{schemas}"


def check_retyped(folder: Path, rng: random.Random) -> None:  # noqa: ARG001 - as the others
    """Compare the same rows in other types, as categories and by segment: there is no difference.

    Raises:
        AssertionError: there is one, or an error was raised.
    """
    table, _ = draw_tables(
        rng, [*PLAIN, *(k for kinds in OF_WRITERS for k in kinds if k in OTHERS)]
    )
    table = table.rename_columns([f"c{i}" for i in range(table.num_columns)])
    other = _of_a_writer(table, rng)
    plain = [f.name for f in table.schema if f.type in PLAIN]
    override = {n: {"kind": "categorical"} for n in plain if rng.random() < 0.5}
    segments = [[n] for n in table.column_names if rng.random() < 0.5]
    segments = [s for s in segments if not pa.types.is_nested(table.schema.field(s[0]).type)]
    shown = f"{override} {segments}\n{table.schema}\n{other.schema}\n{table.to_pylist()}"
    try:
        found = compare(table, other, override=override, segments=segments)
    except ConfigError as error:
        refused(error)
        return
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{shown}") from error
    scores = found.scores[found.scores["kind"] != "joint"]
    alike = scores["status"].isin(["ok", "constant", "too_few_rows"])
    others = scores[~alike | (scores["kl"].fillna(0) != 0)] if table.num_rows else scores[:0]
    records = others[["feature", "segment", "status", "kl", "reason"]].to_dict("records")
    assert others.empty, f"{records}\n{shown}"


def _of_a_writer(table: pa.Table, rng: random.Random) -> pa.Table:
    """Rows in types that hold the same values."""
    for i, field in enumerate(table.schema):
        alike = [kinds for kinds in OF_WRITERS if field.type in kinds]
        try:
            column = table.column(i).cast(rng.choice(alike[0] if alike else [field.type]))
        except pa.ArrowException:  # it does not hold them, or Arrow has no such cast
            continue
        table = table.set_column(i, field.name, column)
    return table


def check_log(folder: Path, rng: random.Random) -> None:
    """Open a Delta table whose log is damaged.

    Raises:
        AssertionError: another error than those of kldrift was raised.
    """
    for _ in range(rng.randint(1, 3)):
        number = rng.randint(1, 9)
        rows = pa.table({"x": range(number), "day": ["2024-01-01"] * number})
        more = {"partition_by": ["day"]} if rng.random() < 0.5 else {}
        try:
            write_deltalake(str(folder / "t"), rows, mode="append", **more)
        except Exception:  # noqa: BLE001 - it has other partitions than before
            continue
    log = rng.choice(sorted((folder / "t" / "_delta_log").iterdir()))
    text = log.read_bytes()
    log.write_bytes(damaged(text, rng))
    where = rng.choice((None, "x > 3", "day = '2024-01-01'"))
    try:
        opened = open_files(Dataset(path=(str(folder / "t"),), format="delta", where=where), "now")
        if not isinstance(opened, Unsupported):
            for piece in opened.footers.pieces:
                with piece.file.open() as parquet:
                    parquet.read()
    except KldriftError as error:
        refused(error)
    except Exception as error:
        shown = f"{text!r}\n{log.read_bytes()!r}"
        raise AssertionError(f"{type(error).__name__}: {error}\n{shown}") from error


def check_csv(folder: Path, rng: random.Random) -> None:
    """Look at a text that may be CSV.

    Raises:
        AssertionError: another error than those of kldrift was raised.
    """
    few = rng.sample(CSV, rng.randint(3, 12))
    text = "".join(rng.choice(few) for _ in range(rng.choice((0, 1, 9, 300))))
    if rng.random() < 0.5:
        text = "".join(f"{rng.choice(few)};{text[:9]};{i}\n" for i in range(9))
    file = folder / "rows.csv"
    data = text.encode(rng.choice(ENCODINGS), "replace")
    file.write_bytes(damaged(data, rng) if rng.random() < 0.3 else data)
    try:
        dialect_of(str(file), {})
    except KldriftError as error:
        refused(error)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{data!r}") from error
