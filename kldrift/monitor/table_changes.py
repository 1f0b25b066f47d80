"""Counts only the rows added to a table since the last run, and adds them to earlier counts.

Each run's counts are a batch that is named after the version which they begin after. A run that did
not come to its end has no row in ``runs``, so the next one begins after the same version and
replaces its batch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kldrift.config import Config
from kldrift.errors import ConfigError, DatasetError, OnlyAsWholeError
from kldrift.monitor.batches import added_up, batch_rows, windows_with_rows
from kldrift.monitor.record import Record
from kldrift.monitor.stages import Reference
from kldrift.monitor.windows import CountedWindows
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.sources.lakehouse import delta, iceberg
from kldrift.sources.open import open_source
from kldrift.sources.parquet.source import ArrowSource
from kldrift.tables.batches import StoredBatches, write_batch
from kldrift.tables.layout import batch_of
from kldrift.tables.read import stored_runs, stored_supports
from kldrift.tables.schema import PROFILES
from kldrift.tables.store import Store
from kldrift.tables.window import Window

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ALL: Final = "all of it at first; "
AGAIN: Final = "all of it again; "
ADDED: Final = "what was added since {}; "
CHANGES: Final = "changes."
"""What the names of such batches begin with."""
_READ: Final = re.compile(
    r"(?:all of it at first|all of it again|what was added since \d+); "
    r"(?:Delta table, version|Iceberg table, snapshot) (\d+)(?:.*; table ([\w-]+)$)?"
)


@dataclass(frozen=True)
class LastRead:
    """What the last run read of a table: its version, and the table's identity if it has one."""

    version: int
    table: str | None = None


@dataclass(frozen=True, eq=False)
class TableChanges:
    """The rows added to a table since the version that the last run read.

    That version is ``since``, or None if all of it is read, for which ``notes`` say why.
    """

    source: ArrowSource
    since: int | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Config, spark: SparkSession, last: LastRead | None) -> TableChanges:
        """Open what was added since the last run; where that cannot be told, all of the table.

        Raises:
            ConfigError: Arrow cannot read the files of the table.
            DatasetError: they cannot be read.
        """
        dataset, table = config.current, ""
        if dataset.format == "delta":  # whose versions are numbered anew in a table made anew
            table = delta.table_id(dataset.path[0], dataset.filesystem)
        if last is not None and last.table not in {None, table}:
            return cls._again(config, spark, f"{dataset.path[0]!r} is another table than before")
        if last is not None:
            name, first = (delta.SINCE, last.version + 1)
            if dataset.format == "iceberg":
                name, first = iceberg.SINCE, last.version
            dataset = replace(dataset, options={**dataset.options, name: str(first)})
        try:
            opened = open_source(spark, dataset, {}, way=config.scan, side="current")
        except DatasetError as error:
            if not isinstance(error.__cause__, OnlyAsWholeError):
                raise
            return cls._again(config, spark, str(error.__cause__))
        if not isinstance(opened, ArrowSource):
            text = f"expected files that Arrow reads: {opened.access_path}"
            raise ConfigError(f"current.changes: {text}")
        path = (ALL if last is None else ADDED.format(last.version)) + opened.access_path
        path += f"; table {table}" if table else ""
        return cls(replace(opened, access_path=path), None if last is None else last.version)

    @classmethod
    def _again(cls, config: Config, spark: SparkSession, why: str) -> TableChanges:
        """All of the table, with a note that says why."""
        whole = cls.of(config, spark, None)
        path = AGAIN + whole.source.access_path.removeprefix(ALL)
        note = f"all of the table was read, not only what was added: {why}"
        return replace(whole, source=replace(whole.source, access_path=path), notes=(note,))

    def added(
        self,
        record: Record[Config],
        reference: Reference,
        counts: CountedWindows,
        store: Store,
    ) -> CountedChanges:
        """Store what was counted of them as a batch; where all was read, as the only one."""
        config, (what, counted, together) = record.config, counts
        before = StoredBatches.of(store, config.monitor).files if self.since is None else ()
        name = f"{CHANGES}{'start' if self.since is None else self.since}"
        others = [batch_of(config.monitor, file) or "" for file in store.names("profiles")]
        parts = list(batch_rows(config, reference, what, counted, together, record.run_id))
        write_batch(config.output.path, config.monitor, name, parts)
        for other in others:
            if self.since is None and other.startswith(CHANGES) and other != name:
                write_batch(config.output.path, config.monitor, other, PROFILES.empty_table())
        batches = StoredBatches.of(store, config.monitor)
        names = tuple(p.feature.name for p in what.pairs)
        windows = sorted({*windows_with_rows(config, counted), *before}, key=lambda w: w.key)
        return CountedChanges(batches, reference.reference_id, names, windows)


@dataclass(frozen=True, eq=False)
class CountedChanges:
    """The windows that a table's changes lie in, each with all that was counted of it so far."""

    batches: StoredBatches
    reference_id: str
    names: tuple[str, ...]
    windows: list[Window]

    def judged(self, due: Sequence[Window]) -> list[Window]:
        """The windows that are due, and those before them that late rows lie in."""
        late = [w for w in self.windows if w.end and due[-1].end and w.end <= due[-1].end]
        return sorted({*due, *late}, key=lambda w: w.key)

    def profiles_of(self, window: Window) -> tuple[list[Profile], list[JointProfile]]:
        """The profiles of a window, of features and of joint groups."""
        batches = self.batches
        supports = stored_supports(batches.store, batches.monitor, self.reference_id)
        profiles, joint = added_up(batches, supports, window)
        none = {name: Profile.empty(support) for name, support in supports.by_feature().items()}
        every = none | profiles
        return [every[name] for name in self.names], list(joint.values())


def last_read(store: Store, monitor: str, reference_id: str) -> LastRead | None:
    """What the last run read of the table, counted on the cells of a reference.

    None if no run did, or only one that did not come to its end, or the row of one is unreadable.
    """
    rows, unreadable = stored_runs(store, monitor, None)
    for row in () if unreadable else rows:
        match = _READ.match(row["current_read"] or "")
        if match and row["error"] is None:
            same = row["reference_id"] == reference_id
            return LastRead(int(match[1]), match[2]) if same else None
    return None
