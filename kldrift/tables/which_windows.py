"""Which monitors and windows the tables have, from the names of their files."""

from __future__ import annotations

from typing import Final

from kldrift.tables.layout import monitor_of, window_of
from kldrift.tables.read import window_columns
from kldrift.tables.store import Store
from kldrift.tables.window import Window

NO_TIME: Final = Window()


def stored_windows(store: Store, monitor: str, *, timed: bool = True) -> tuple[Window, ...]:
    """The windows of which the tables have scores, in the order of time.

    Windows of time if ``timed``; else whole datasets by the time that their run was for, that of a
    run for no time first, unless it is what ran last.

    Raises:
        OutputError: there are runs for times and for none, and a file of theirs cannot be read.
    """
    found = (window_of(monitor, name) for name in store.names("drift_scores"))
    windows = [w for w in found if w is not None and (w.start is not None) == timed]
    ordered = sorted((w for w in windows if w != NO_TIME), key=lambda w: w.key)
    if NO_TIME not in windows:
        return tuple(ordered)
    if ordered and _run_of(store, monitor, NO_TIME) > _run_of(store, monitor, ordered[-1]):
        return (*ordered, NO_TIME)
    return (NO_TIME, *ordered)


def _run_of(store: Store, monitor: str, window: Window) -> str:
    """The last run that wrote a window; runs are named by the time at which they began."""
    runs = window_columns(store, monitor, window, ["run_id"])["run_id"]
    return max(runs.to_pylist(), default="")


def stored_monitors(store: Store) -> tuple[str, ...]:
    """The monitors of which the tables have scores, by name."""
    found = {monitor_of(name) for name in store.names("drift_scores")}
    return tuple(sorted(name for name in found if name is not None))
