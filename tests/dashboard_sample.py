"""Output folders for the dashboard: drift, hostile names, a failed run, and nothing at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import daily_sample
import numpy as np
import pyarrow as pa
from report_sample import ATTACK

from kldrift.config import load_config
from kldrift.execution.progress import SILENT
from kldrift.monitor.record import Record
from kldrift.tables import prepare_output, write_run

MARKDOWN = "**x** :red[y] [a](javascript:alert(1)) $z$ http://example.com"
FEATURES = ("amount", "card", MARKDOWN, ATTACK)
DRIFTS = 3
"""The first day of the drift, from 0."""
CONFIG = """\
# Orders of the shop.
monitor: orders  # whose
reference: {path: reference.parquet}
current: {path: orders.parquet}
time: {column: at, window: 1d}
segments: [[country]]
thresholds: {kl: {warning: 0.05, critical: 0.1}}
alarms: {after: 1 of 1}
output: {path: drift}
expectations: false
"""


def rows(day: int, n: int = 800, *, calm: bool = False) -> pa.Table:
    """Orders of a day; from the fourth on amounts in one country are in another unit."""
    rng = np.random.default_rng(day)
    country = rng.choice(["fr", "nz", ATTACK], n, p=[0.5, 0.3, 0.2])
    amount = rng.lognormal(3, 0.6, n).round(2)
    late = day >= DRIFTS and not calm
    amount = np.where(late & (country == "nz"), amount * 3, amount)
    card = rng.choice(["visa", "cash", MARKDOWN] + ["new"] * late, n)
    return pa.table(
        {
            "amount": amount,
            "card": card,
            MARKDOWN: rng.normal(late * 0.5, 1, n),
            ATTACK: pa.array(rng.normal(0, 1, n), mask=rng.random(n) < 0.3 * late),
            "country": country,
        }
    )


def written(folder: Path, days: int, *, calm: bool = False) -> Path:
    """Write a configuration and the tables of so many days; return the configuration."""
    file = folder / "orders.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    config = load_config(file)
    if days:
        daily_sample.run_days(
            config,
            range(days),
            lambda day: rows(day, calm=calm),
            dependents=False,
            reference_rows=rows(1000, 6_000, calm=True),
        )
    return file


def failed(file: Path, error: str, monitor: str | None = None) -> None:
    """Write the record of a run that failed, after all others."""
    config = load_config(file)
    config = replace(config, monitor=monitor or config.monitor)
    prepare_output(config.output.path)
    started = datetime.now(UTC) + timedelta(minutes=1)
    record = Record(config, daily_sample.window(99), started, SILENT)
    ends = {"finished_at": started + timedelta(seconds=9)}
    write_run(config.output.path, record.any_row(exit_code=1, error=error) | ends)
