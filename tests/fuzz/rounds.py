"""Rounds of the fuzzer: each has a seed of its own, and tells it when it fails."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from tests.fuzz.configurations import check_configuration
from tests.fuzz.folders import check_csv, check_log, check_mixed, check_retyped, check_writers
from tests.fuzz.inputs import check_damaged, check_files, check_spark, check_tables
from tests.fuzz.tables import draw_override, draw_tables, smallest


def memory_round(folder: Path, rng: random.Random) -> None:  # noqa: ARG001 - as the others
    """Tables in memory; of a failure, the smallest tables that have it."""
    reference, current = draw_tables(rng)
    override = draw_override(reference, rng)

    def fails(one: pa.Table, other: pa.Table) -> None:
        names = {*one.schema.names, *other.schema.names}
        check_tables(one, other, {n: o for n, o in override.items() if n in names})

    try:
        fails(reference, current)
    except AssertionError as error:
        tables = smallest(reference, current, fails)
        shown = "\n".join(f"{t.schema}\n{t.to_pylist()}" for t in tables)
        raise AssertionError(f"{error}\n{override}\n{shown}") from error


ROUNDS: dict[str, Callable[[Path, random.Random], None]] = {
    "memory": memory_round,
    "files": check_files,
    "damage": check_damaged,
    "mixed": check_mixed,
    "writers": check_writers,
    "retyped": check_retyped,
    "log": check_log,
    "csv": check_csv,
    "configuration": check_configuration,
    "spark": check_spark,
}


def play(kind: str, seed: int) -> None:
    """Play one round.

    Raises:
        AssertionError: it found something.
    """
    with tempfile.TemporaryDirectory() as folder:
        ROUNDS[kind](Path(folder), random.Random(f"{kind} {seed}"))
