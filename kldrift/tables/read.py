"""Reads tables back; programs of users read the Parquet files themselves.

A file that cannot be read is an OutputError, as is one that is not there where it has to be; rows
that are damaged, or speak of another reference, are a ValueError where it can be mended by reading
the reference again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.counting.new_values import NewValues
from kldrift.errors import DamagedError, OutputError, first_line
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.scoring.alerts import Key
from kldrift.tables.conform import conform
from kldrift.tables.layout import (
    ALERTS_TABLE,
    RUNS_TABLE,
    alerts_file,
    is_ours,
    reference_file,
    run_file,
    supports_file,
    window_file,
)
from kldrift.tables.parquet import from_parquet
from kldrift.tables.read_profiles import read_profiles
from kldrift.tables.schema import SUPPORTS, TABLES
from kldrift.tables.store import Store, open_store
from kldrift.tables.supports import (
    FOR_READERS,
    JOINT_KIND,
    OF_NOTHING,
    Supports,
    read_supports,
)
from kldrift.tables.window import Window

MOST_RUNS: Final = 120
"""Of all monitors of a folder, the latest that are looked through for one's."""
CLOCKS_APART: Final = timedelta(minutes=10)
"""How far the clock of the machine that wrote a run may be ahead."""
IN_SHORT: Final = (
    "feature",
    "segment",
    "severity",
    "metric",
    "kl",
    "p_learned",
    "p_limit",
    "alarm_level",
    "alert",
    "alert_since",
)
"""What later windows depend on of the scores of one."""


def read_table(path: str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read all rows of one table, file by file in the order of their names.

    No rows where nothing has been written yet.

    Raises:
        OutputError: a file cannot be read, or a newer kldrift wrote the tables.
        ValueError: there is no table of this name.
    """
    if name not in TABLES:
        raise ValueError(f"no table {name!r}; the tables are {', '.join(TABLES)}")
    schema = TABLES[name]
    if columns is not None:
        schema = pa.schema([schema.field(column) for column in columns], schema.metadata)
    store = open_store(path)
    parts = [schema.empty_table()]
    for file in store.names(name):
        try:
            data = store.open(f"{name}/{file}", schema.names) if is_ours(name, file) else None
            if data is None:  # not ours, or deleted since it was listed
                continue
            with data:
                parts.append(from_parquet(data, schema=schema).select(schema.names).cast(schema))
        except (pa.ArrowException, ValueError) as error:
            raise OutputError(
                f"{store.location(f'{name}/{file}')}: not a table of this kldrift: "
                f"{first_line(error)}; delete it and run its window again"
            ) from error
    return pa.concat_tables(parts)


def stored_key(store: Store, monitor: str, reference_id: str) -> str | None:
    """The key of what a stored reference was made from; None if it has none."""
    with _opened(store, supports_file(monitor, reference_id)) as file:
        first, *others = from_parquet(file, ["reference_key"])["reference_key"].to_pylist() or [
            None
        ]
    return first if isinstance(first, str) and all(key == first for key in others) else None


def stored_supports(store: Store, monitor: str, reference_id: str) -> Supports:
    """The stored supports of a reference."""
    columns = [name for name in SUPPORTS.names if name not in FOR_READERS]
    with _opened(store, supports_file(monitor, reference_id)) as file:
        rows = from_parquet(file, columns, SUPPORTS)
    return read_supports(rows) if rows.num_rows else Supports(reference_id, OF_NOTHING, ())


def stored_profiles(
    store: Store, monitor: str, supports: Supports, window: Window | None = None
) -> tuple[dict[str, Profile], dict[str, JointProfile]]:
    """The profiles of a monitor's features and joint groups, by name.

    By default those of the reference, else of a window of the current dataset.
    """
    if window is not None:
        return read_profiles(stored_profile_rows(store, monitor, window), supports)
    name = reference_file(monitor, supports.reference_id)
    return read_profiles(_profile_rows(store, name), supports)


def stored_profile_rows(store: Store, monitor: str, window: Window) -> pa.Table:
    """The rows of ``profiles`` of a window; errors are those of `stored_profiles`."""
    return _profile_rows(store, window_file("profiles", monitor, window))


def _profile_rows(store: Store, name: str) -> pa.Table:
    with _opened(store, name) as file:
        return from_parquet(file, schema=TABLES["profiles"])


def counted_rows(store: Store, monitor: str, window: Window) -> pa.Table | None:
    """The rows of ``profiles`` of a window; None where there is no such file."""
    return read_if_there(store, window_file("profiles", monitor, window), None, TABLES["profiles"])


def new_values(rows: pa.Table) -> dict[str, NewValues]:
    """By feature, values that the reference never had, or hardly, from rows of ``profiles``."""
    names = ["feature", "new_values", "new_rows", "new_distinct", "frequent_value", "frequent_rows"]
    new = pc.or_(*map(pc.is_valid, (rows["new_values"], rows["frequent_value"])))
    return {
        row["feature"]: NewValues(
            tuple(zip(row["new_values"] or (), row["new_rows"] or (), strict=True)),
            row["new_distinct"] or len(row["new_values"] or ()),
            (known, row["frequent_rows"]) if (known := row["frequent_value"]) is not None else None,
        )
        for row in rows.select(names).filter(new).to_pylist()
    }


def window_tables(
    store: Store,
    monitor: str,
    window: Window,
    names: Sequence[str] = ("drift_scores", "drift_cells"),
) -> dict[str, pa.Table]:
    """Some tables of one window."""
    paths = {name: window_file(name, monitor, window) for name in names}
    return {name: _read(store, path, None, TABLES[name], name) for name, path in paths.items()}


def stored_reference_id(
    store: Store, monitor: str, window: Window, counted: pa.Table | None = None
) -> str:
    """The reference that a window was counted on; that of its run if no feature was counted.

    ``counted`` are its rows of ``profiles``, where they were read before.
    """
    for table in ("profiles", "drift_scores"):
        name = window_file(table, monitor, window)
        known = counted if table == "profiles" else None
        rows = _read(store, name, ["reference_id"]) if known is None else known
        ids = rows["reference_id"].unique().to_pylist()
        if ids:
            break
    else:
        runs, _ = stored_runs(store, monitor)
        ends = window.start, window.end
        of_window = [r for r in runs if (r["window_start"], r["window_end"]) == ends]
        ids = [r["reference_id"] for r in of_window if r["reference_id"]][:1]
    if len(ids) != 1:
        raise OutputError(f"{store.location(name)}: expected rows of one reference, got {len(ids)}")
    return str(ids[0])


def stored_statuses(
    store: Store, monitor: str, window: Window, statuses: Sequence[str]
) -> list[tuple[str, str, str, str]]:
    """The features of a judged window of some statuses: name, kind, status and reason."""
    names = ["feature", "kind", "status", "reason", "segment"]
    rows = read_if_there(store, window_file("drift_scores", monitor, window), names)
    if rows is None:
        return []
    asked = pc.is_in(rows["status"], pa.array(statuses, pa.string()))
    whole = pc.and_(rows["segment"].is_null(), pc.not_equal(rows["kind"], JOINT_KIND))
    return [
        (row["feature"], row["kind"], row["status"], row["reason"] or "")
        for row in rows.filter(pc.and_(asked, whole)).to_pylist()
    ]


def window_columns(store: Store, monitor: str, window: Window, names: Sequence[str]) -> pa.Table:
    """Some columns of a window's rows of ``drift_scores``; those added later may be all null."""
    return _read(store, window_file("drift_scores", monitor, window), names, TABLES["drift_scores"])


def stored_scores(store: Store, monitor: str, window: Window) -> pa.Table:
    """The columns of a window's ``drift_scores`` that later windows need."""
    return window_columns(store, monitor, window, list(IN_SHORT))


def stored_alerts(store: Store, monitor: str) -> pa.Table:
    """All rows of ``alerts`` of a monitor; none where there never was one."""
    schema = TABLES[ALERTS_TABLE]
    again = "kldrift rescore logs alerts anew"
    rows = read_if_there(store, alerts_file(monitor), None, schema, again)
    return schema.empty_table() if rows is None else rows


def stored_runs(
    store: Store, monitor: str | None, run_id: str | None = None, most: int = MOST_RUNS
) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of ``runs`` of a monitor's latest runs, the last first; one per window.

    And what is wrong with those that cannot be read, of whichever monitor they are. So many
    (``most``) of the latest runs in a folder are looked through; ``run_id`` is looked for however
    old it is.
    """
    names = [name for name in store.names(RUNS_TABLE) if is_ours(RUNS_TABLE, name)]
    wanted = set(names[-most:])  # they begin with the time
    if run_id is not None and run_file(run_id).partition("/")[2] in names:
        wanted.add(run_file(run_id).partition("/")[2])
    runs: list[dict[str, Any]] = []
    unreadable: list[str] = []
    for name in sorted(wanted):
        path = f"{RUNS_TABLE}/{name}"
        try:
            file = store.open(path)
            if file is None:  # deleted since it was listed
                continue
            with file:
                rows = from_parquet(file, None, TABLES[RUNS_TABLE]).to_pylist()
        except (OutputError, ValueError) as error:
            unreadable.append(f"{store.location(path)}: the record of a run is left out: {error}")
            continue
        runs += [row for row in rows if monitor in (None, row["monitor"])]
    now = datetime.now(UTC) + CLOCKS_APART  # what ended later did so before the clock was put back
    order = ("started_at", "finished_at")
    runs.sort(key=lambda row: (row["finished_at"] <= now, *map(row.get, order)), reverse=True)
    return runs, unreadable


def critical_keys(scores: pa.Table) -> frozenset[Key]:
    """The features of some rows of ``drift_scores`` that are critical, each with its segment."""
    critical = scores.filter(pc.equal(scores["severity"], "critical"))
    keys = (critical[name].to_pylist() for name in ("feature", "segment"))
    return frozenset(zip(*keys, strict=True))


def _read(
    store: Store,
    path: str,
    names: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    whole: str = "",
) -> pa.Table:
    rows = read_if_there(store, path, names, schema, whole=whole)
    if rows is None:
        raise OutputError(f"{store.location(path)} is not there; run its window again")
    return rows


def read_if_there(
    store: Store,
    path: str,
    names: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    remedy: str = "run its window again",
    whole: str = "",
) -> pa.Table | None:
    """The rows of a file, or some of their columns; None where there is no such file.

    ``whole`` names a table whose columns must all be there.
    """
    try:
        file = store.open(path, names)
        if file is None:
            return None
        with file:
            rows = from_parquet(file, names, schema)
        return conform(whole, rows) if whole else rows
    except ValueError as error:
        raise DamagedError(f"{store.location(path)}: {str(error).rstrip('.')}; {remedy}") from error


@contextmanager
def _opened(store: Store, name: str) -> Iterator[pa.NativeFile]:
    file = store.open(name)
    if file is None:
        raise ValueError(f"{store.location(name)} is not there")
    with file:
        yield file
