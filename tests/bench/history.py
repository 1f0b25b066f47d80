"""A year of daily windows: what a backfill, the next day, rescoring and a backtest take.

The reference is the first month. The tables of a round are new, and the reference is read before
anything is measured, as it is for a schedule that has run before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import kldrift
from tests.bench import data
from tests.bench.options import Options
from tests.bench.processes import Peaks
from tests.bench.rounds import rounds, timed
from tests.bench.session import session
from tests.bench.table import Row, summarised

COLUMNS = 50
DAYS = 365
LEARNT = 31
SCAN = "kldrift.run of all rows, no windows"


def config(path: Path, output: Path, start: datetime, *, windows: bool = True) -> dict[str, Any]:
    """A monitor of a table that grows by a day's rows a day."""
    month = {"path": str(path), "from": start.date(), "to": (start + LEARNT * DAY).date()}
    whole = {"path": str(path), "where": f"at < timestamp '{start + LEARNT * DAY:%Y-%m-%d}'"}
    return {
        "monitor": "bench",
        "reference": month if windows else whole,
        "current": {"path": str(path)},
        "features": {"exclude": ["at"]},
        "segments": [["region"]],
        "output": {"path": str(output)},
        "expectations": False,
    } | ({"time": {"column": "at", "window": "1d"}} if windows else {})


DAY = timedelta(days=1)


def run(folder: Path, options: Options) -> list[Row]:
    """Measure the commands in the order in which they are typed, each on a new output a round."""
    rows = 4 * options.rows if options.large else options.rows
    days = 60 if options.quick else DAYS
    path = data.daily(folder, rows, columns=COLUMNS, days=days)
    start = datetime.combine(data.FIRST_DAY, datetime.min.time(), UTC)
    last = start + (days - 1) * DAY
    outputs = (folder / f"history-{i}" for i in count())
    stored: list[int] = []
    with session(options.cores) as spark, Peaks() as peaks:
        output = next(outputs)
        whole = config(path, folder / "no-windows", start, windows=False)
        kldrift.run(whole, spark=spark, fail_on="never")

        def backfill() -> float:
            nonlocal output
            output = next(outputs)
            made = config(path, output, start)
            kldrift.run(made, spark=spark, as_of=start + DAY, fail_on="never")
            seconds = timed(
                lambda: kldrift.backfill(made, start, last, spark=spark, fail_on="never")
            )()
            stored.append(sum(f.stat().st_size for f in output.rglob("*") if f.is_file()))
            return seconds

        def of_output(command: Callable[..., object], **options: Any) -> Callable[[], float]:
            return timed(lambda: command(config(path, output, start), **options))

        contenders = {
            SCAN: timed(lambda: kldrift.run(whole, spark=spark, fail_on="never")),
            f"backfill of {days - 1} days": backfill,
            "run of the next day": of_output(
                kldrift.run, spark=spark, as_of=last + DAY, fail_on="never"
            ),
            f"rescore of {days} days": of_output(
                kldrift.rescore, set={"scoring.bins": 10}, fail_on="never"
            ),
            f"backtest of {days} days": of_output(kldrift.backtest),
            "report": of_output(kldrift.report),
        }
        times = rounds("history", contenders, options.repeats, warm=False)
    case = f"{rows:,} x {COLUMNS}, {days} windows, 5 segments, {options.cores} cores"
    found = summarised("history", times, case=case, ratios={"ratio_to_no_windows": SCAN})
    for row in found:
        row["stored_mb_after_backfill"] = max(stored) / 1e6
        row |= {f"peak_{role}_mb": peak for role, peak in peaks.megabytes.items()}
    return found
