"""The names of files: one file per table, monitor and window; per reference; per run.

A file is the unit that is replaced.  Its name says what it holds, so that a rerun finds the file
it replaces without reading anything, and so that foreign files are recognised.
"""

from __future__ import annotations

import re
from typing import Final

from kldrift.errors import OutputError
from kldrift.tables.window import Window

MARKER: Final = "_kldrift.json"
SCORE_TABLES: Final = ("drift_cells", "drift_scores")  # in the order of writing
WINDOW_TABLES: Final = ("profiles", *SCORE_TABLES)
OPTIONAL_TABLES: Final = (
    "class_pairs",
    "worst_rows",
)  # of a model shift, written before the others
ALERTS_TABLE: Final = "alerts"  # of a monitor with alarms
RUNS_TABLE: Final = "runs"
REFERENCE_TABLES: Final = ("supports", "profiles")
"""Tables with rows of a reference, which stand once however many windows are compared with it."""

# Readers hide names that begin with "." or "_" (Spark) or do not (DuckDB): none may begin so.
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_STAMP = r"\d{8}T\d{6}(?:\.\d{6})?Z"
_KEY = rf"all|{_STAMP}(?:_{_STAMP})?"
_ID = r"[0-9a-f]{16}"
_WINDOW_FILE = re.compile(rf"({_NAME})--({_KEY})\.parquet", re.ASCII)
_SUPPORTS_FILE = re.compile(rf"({_NAME})--({_ID})\.parquet", re.ASCII)
_REFERENCE_FILE = re.compile(rf"{_NAME}--reference-{_ID}\.parquet", re.ASCII)
_BATCH_FILE = re.compile(rf"({_NAME})--batch-([A-Za-z0-9._]{{1,64}})\.parquet", re.ASCII)
_RUN_FILE = re.compile(rf"{_NAME}\.parquet", re.ASCII)


def window_file(table: str, monitor: str, window: Window) -> str:
    """Return the path, below the output folder, of one table's rows of a monitor's window.

    A key holds no ``-``, so the last ``--`` parts the two and no two pairs share a file.

    Examples:
        >>> window_file("drift_scores", "nyc_taxi", Window())
        'drift_scores/nyc_taxi--all.parquet'
    """
    return f"{table}/{_checked('monitor', monitor)}--{window.key}.parquet"


def window_of(monitor: str, name: str) -> Window | None:
    """The window of a file in the folder of a table; None for another monitor's.

    Examples:
        >>> window_of("nyc_taxi", "nyc_taxi--20200401T000000Z_20200501T000000Z.parquet").start
        datetime.datetime(2020, 4, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    key = _of_monitor(monitor, _WINDOW_FILE.fullmatch(name))
    return Window.of_key(key) if key else None


def monitor_of(name: str) -> str | None:
    """The monitor of a file in the folder of a table of windows; None for a foreign file.

    Examples:
        >>> monitor_of("nyc_taxi--20200401T000000Z_20200501T000000Z.parquet"), monitor_of("a.txt")
        ('nyc_taxi', None)
    """
    match = _WINDOW_FILE.fullmatch(name)
    return match[1] if match else None


def alerts_file(monitor: str) -> str:
    """Return the path, below the output folder, of all alerts of a monitor.

    Examples:
        >>> alerts_file("nyc_taxi")
        'alerts/nyc_taxi--all.parquet'
    """
    return window_file(ALERTS_TABLE, monitor, Window())


def run_file(run_id: str) -> str:
    """Return the path, below the output folder, of one run's row.

    Examples:
        >>> run_file("20200401T060000Z-1f3a")
        'runs/20200401T060000Z-1f3a.parquet'
    """
    return f"{RUNS_TABLE}/{_checked('run_id', run_id)}.parquet"


def supports_file(monitor: str, reference_id: str) -> str:
    """Return the path, below the output folder, of what a monitor's reference decided.

    Examples:
        >>> supports_file("nyc_taxi", "0123456789abcdef")
        'supports/nyc_taxi--0123456789abcdef.parquet'
    """
    return f"supports/{_checked('monitor', monitor)}--{_checked_id(reference_id)}.parquet"


def reference_file(monitor: str, reference_id: str) -> str:
    """Return the path, below the output folder, of the profiles of a monitor's reference.

    Examples:
        >>> reference_file("nyc_taxi", "0123456789abcdef")
        'profiles/nyc_taxi--reference-0123456789abcdef.parquet'
    """
    name = f"{_checked('monitor', monitor)}--reference-{_checked_id(reference_id)}"
    return f"profiles/{name}.parquet"


def reference_id_of(monitor: str, name: str) -> str | None:
    """The ``reference_id`` of a file in the folder of supports; None for another monitor's.

    Examples:
        >>> reference_id_of("nyc_taxi", "nyc_taxi--0123456789abcdef.parquet")
        '0123456789abcdef'
    """
    return _of_monitor(monitor, _SUPPORTS_FILE.fullmatch(name))


def batch_file(monitor: str, batch: str) -> str:
    """Return the path, below the output folder, of the profiles of a batch of rows.

    Examples:
        >>> batch_file("nyc_taxi", "17")
        'profiles/nyc_taxi--batch-17.parquet'
    """
    return f"profiles/{_checked('monitor', monitor)}--batch-{batch}.parquet"


def batch_of(monitor: str, name: str) -> str | None:
    """The name of the batch whose profiles a file holds; None for another monitor's.

    Examples:
        >>> batch_of("nyc_taxi", "nyc_taxi--batch-17.parquet")
        '17'
    """
    return _of_monitor(monitor, _BATCH_FILE.fullmatch(name))


def is_ours(table: str, name: str) -> bool:
    """Whether a file of this name in a table's folder is one that kldrift writes."""
    patterns = {
        RUNS_TABLE: (_RUN_FILE,),
        "supports": (_SUPPORTS_FILE,),
        "profiles": (_WINDOW_FILE, _REFERENCE_FILE, _BATCH_FILE),
    }
    return any(p.fullmatch(name) for p in patterns.get(table, (_WINDOW_FILE,)))


def is_foreign(table: str, name: str) -> bool:
    """Whether a reader of the table would take a foreign file of this name for rows.

    ``_SUCCESS`` and the like do no harm, but DuckDB's ``*.parquet`` takes ``_x.parquet`` and
    ``.x.parquet`` for rows.
    """
    hidden = name.startswith((".", "_")) and not name.endswith(".parquet")
    return not hidden and not is_ours(table, name)


def _of_monitor(monitor: str, match: re.Match[str] | None) -> str | None:
    return match[2] if match and match[1] == monitor else None


def _checked_id(reference_id: str) -> str:
    if not re.fullmatch(_ID, reference_id, re.ASCII):
        raise OutputError(f"reference_id {reference_id!r}: expected 16 hexadecimal digits")
    return reference_id


def _checked(what: str, name: str) -> str:
    if not re.fullmatch(_NAME, name, re.ASCII):
        raise OutputError(
            f"{what} {name!r} cannot name a file; use up to 128 letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    return name
