"""``python -m tests.bench.pages``: how large a report is, and how long it takes to make and open.

1,000 features in 90 windows, each also scored in 20 segments: a comparison of few features is
repeated under other names, and its scores vary from window to window.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

import kldrift
from kldrift.config import config_from_mapping
from kldrift.tables import TABLES, Window, prepare_output, write_run, write_window
from tests.browser import CHROMIUM, browser

MONITOR = "wide"
ROWS = 20_000
BASE = 20
"""Features that are compared; the others are these under other names."""


def sides(segments: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two datasets: a quarter of the features moved."""
    rng = np.random.default_rng(0)

    def side(moved: float) -> pd.DataFrame:
        columns: dict[str, np.ndarray] = {}
        for i in range(BASE):
            by = moved if i % 4 == 0 else 0.0
            columns[f"f{i}"] = rng.normal(by, 1, ROWS)
            if i % 5 == 1:
                columns[f"f{i}"] = rng.choice(list("abcdefgh"), ROWS)
        columns["part"] = rng.choice([f"part {i}" for i in range(segments)], ROWS)
        return pd.DataFrame(columns)

    return side(0.0), side(0.4)


def repeated(frame: pd.DataFrame, times: int) -> pd.DataFrame:
    """The rows of a table for so many copies of each feature."""
    copies = [frame.assign(feature=frame["feature"] + f"_{i}") for i in range(times)]
    return pd.concat(copies, ignore_index=True)


def write_tables(folder: Path, features: int, windows: int, segments: int) -> None:
    """Write the tables of a monitor."""
    found = kldrift.compare(*sides(segments), exclude=["part"], segments=[["part"]])
    scores = repeated(found.scores, features // BASE)
    cells = repeated(found.cells, features // BASE)
    rng = np.random.default_rng(1)
    prepare_output(str(folder))
    schemas = {name: TABLES[name] for name in ("drift_scores", "drift_cells", "profiles")}
    for day in range(windows):
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        window = Window(start, start + timedelta(days=1))
        about = {"window_start": start, "window_end": window.end, "monitor": MONITOR}
        last = day == windows - 1
        quiet = rng.random(len(scores)) < (0.0 if last else 0.9)
        frames = {
            "drift_scores": scores.assign(
                **about,
                kl=scores["kl"] * rng.uniform(0.8, 1.2, len(scores)),
                severity=scores["severity"].where(~quiet, "ok"),
            ),
            "drift_cells": (cells if last else cells.head(0)).assign(**about),
        }
        tables = {
            name: pa.Table.from_pandas(frame, schemas[name], preserve_index=False)
            for name, frame in frames.items()
        }
        write_window(
            str(folder), MONITOR, window, tables | {"profiles": schemas["profiles"].empty_table()}
        )
    write_run(str(folder), _run(scores, window))


def _run(scores: pd.DataFrame, window: Window) -> dict[str, object]:
    counts = scores["severity"].value_counts()
    row: dict[str, object] = dict.fromkeys(TABLES["runs"].names)
    return row | {
        "schema_version": int(scores["schema_version"].iloc[0]),
        "run_id": "compare",
        "monitor": MONITOR,
        "window_start": window.start,
        "window_end": window.end,
        "started_at": window.end,
        "finished_at": window.end,
        "exit_code": 3,
        "rows_current": ROWS,
        "rows_reference": ROWS,
        "critical": int(counts.get("critical", 0)),
        "warning": int(counts.get("warning", 0)),
        "unscored": 0,
        "features": len(scores),
        "skipped": [],
        "config_hash": str(scores["config_hash"].iloc[0]),
        "kldrift_version": kldrift.__version__,
    }


def main(words: list[str]) -> None:
    """Make the tables, the page, and open it."""
    parser = argparse.ArgumentParser("python -m tests.bench.pages", description=__doc__)
    parser.add_argument("--features", type=int, default=1000)
    parser.add_argument("--windows", type=int, default=90)
    parser.add_argument("--segments", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="where to put the page")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_tables(folder / "drift", asked.features, asked.windows, asked.segments)
        config = config_from_mapping(
            {
                "monitor": MONITOR,
                "reference": {"path": "a"},
                "current": {"path": "b"},
                "time": {"column": "t", "window": "1d"},
                "output": {"path": str(folder / "drift")},
            }
        )
        begin = time.perf_counter()
        page = Path(kldrift.report(config, asked.keep or folder / "page.html"))
        print(f"made in {time.perf_counter() - begin:.1f} s")
        print(f"{page.stat().st_size / 1e6:.2f} MB")
        if CHROMIUM is not None:
            with browser() as tab:
                times = sorted(tab.open(page) for _ in range(3))
                print(f"opened in {times[1]:.2f} s, {len(tab.troubles())} problems")


if __name__ == "__main__":
    main(sys.argv[1:])
