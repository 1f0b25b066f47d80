"""The tables that are measured: made row group by row group, so that memory stays small."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.rounds import say

FILE_ROWS = 1_000_000
GROUP_ROWS = 250_000
GROUP_CELLS = 2**26
FIRST_DAY = date(2025, 1, 1)
REGIONS = ("north", "east", "south", "west", "islands")
CARDINALITIES = (5, 10, 20, 50, 100, 300, 1_000, 2_000, 5_000, 10_000)


def table(folder: Path, rows: int, *, columns: int = 40, seed: int = 0, shift: float = 0.0) -> Path:
    """A folder of Parquet files; made if it is not there yet.

    Three quarters of the columns are doubles (normal, lognormal, uniform; every third with 1 %
    nulls), one quarter text of 5 to 10,000 values, the first ones more frequent. Files have at
    most a million rows, in an even number of row groups of at most 250,000 rows each, so that two
    cores get equal shares. Snappy; dictionaries for text.

    Args:
        folder: where tables are kept.
        rows: how many.
        columns: how many.
        seed: of the values.
        shift: what is added to every tenth number column, in its own unit.
    """
    out = folder / f"{rows}x{columns}-{seed}-{shift:g}"
    if (out / "_SUCCESS").exists():
        return out
    say(f"data: making {out.name}")
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    files = -(-rows // FILE_ROWS)
    for i in range(files):
        share = rows * (i + 1) // files - rows * i // files
        _write(out / f"part-{i:03}.parquet", share, columns, shift, rng)
    (out / "_SUCCESS").touch()
    return out


def _write(path: Path, rows: int, columns: int, shift: float, rng: np.random.Generator) -> None:
    groups = 2 * -(-rows // min(2 * GROUP_ROWS, 2 * GROUP_CELLS // columns))
    texts = [name for name in names(columns) if name.startswith("text")]
    writer = None
    for i in range(groups):
        share = rows * (i + 1) // groups - rows * i // groups
        batch = _batch(share, columns, shift, rng)
        if writer is None:
            writer = pq.ParquetWriter(
                path, batch.schema, compression="snappy", use_dictionary=texts, store_schema=False
            )
        writer.write_table(batch, row_group_size=max(1, share))
    assert writer is not None
    writer.close()


def daily(folder: Path, rows: int, *, columns: int, days: int, seed: int = 0) -> Path:
    """A folder like that of :func:`table`, with a time and a region beside its columns.

    Rows are in the order of time, equally many a day from ``FIRST_DAY`` on; there are five regions.
    """
    out = folder / f"{rows}x{columns}-{days}-days-{seed}"
    if (out / "_SUCCESS").exists():
        return out
    say(f"data: making {out.name}")
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    step = days * 86_400_000_000 / rows
    for i, start in enumerate(range(0, rows, GROUP_ROWS)):
        share = min(GROUP_ROWS, rows - start)
        offsets = (np.arange(start, start + share) * step).astype("timedelta64[us]")
        made = _batch(share, columns, 0.0, rng)
        made = made.append_column("at", pa.array(np.datetime64(FIRST_DAY, "us") + offsets))
        made = made.append_column("region", pa.array(REGIONS).take(rng.integers(0, 5, share)))
        pq.write_table(made, out / f"part-{i:04}.parquet", compression="snappy")
    (out / "_SUCCESS").touch()
    return out


def names(columns: int) -> list[str]:
    """The columns of a table: numbers, then texts."""
    numbers = columns - columns // 4
    return [f"number_{i:04}" for i in range(numbers)] + [
        f"text_{i:04}" for i in range(columns - numbers)
    ]


def _batch(rows: int, columns: int, shift: float, rng: np.random.Generator) -> pa.Table:
    numbers = columns - columns // 4
    arrays = [_numbers(i, rows, shift, rng) for i in range(numbers)]
    arrays += [_texts(i, rows, rng) for i in range(columns - numbers)]
    return pa.table(dict(zip(names(columns), arrays, strict=True)))


def _numbers(i: int, rows: int, shift: float, rng: np.random.Generator) -> pa.Array:
    draw = (rng.standard_normal, lambda n: np.exp(rng.standard_normal(n)), rng.random)[i % 3]
    values = draw(rows)
    if i % 10 == 0:
        values += shift
    return pa.array(values, mask=rng.random(rows) < 0.01 if i % 3 == 0 else None)


def _texts(i: int, rows: int, rng: np.random.Generator) -> pa.Array:
    k = CARDINALITIES[i % len(CARDINALITIES)]
    codes = (k * rng.random(rows) ** 2).astype(np.int32)
    return pa.DictionaryArray.from_arrays(codes, [f"value {j}" for j in range(k)])


def links(folder: Path, source: Path, times: int) -> Path:
    """A folder that holds the files of ``source`` several times, without more disk."""
    out = folder / f"{source.name}-times-{times}"
    out.mkdir(parents=True, exist_ok=True)
    for i in range(times):
        for file in source.glob("*.parquet"):
            link = out / f"{i:03}-{file.name}"
            if not link.exists():
                link.hardlink_to(file)
    return out
