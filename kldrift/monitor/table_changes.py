"""What a table gained since the last run: read alone, and added to what was counted before.

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
from kldrift.errors import ConfigError
from kldrift.monitor.batches import added_up, batch_rows, windows_of
from kldrift.monitor.record import Record
from kldrift.monitor.stages import Counting, Reference
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
ADDED: Final = "what was added since {}; "
CHANGES: Final = "changes."
"""What the names of such batches begin with."""
_READ: Final = re.compile(
    r"(?:all of it at first|what was added since \d+); "
    r"(?:Delta table, version|Iceberg table, snapshot) (\d+)"
)


@dataclass(frozen=True, eq=False)
class TableChanges:
    """What a table gained since the version that the last run read.

    Attributes:
        source: its rows.
        since: that version; None if all of it is read.
    """

    source: ArrowSource
    since: int | None

    @classmethod
    def of(cls, config: Config, spark: SparkSession, since: int | None) -> TableChanges:
        """Open them.

        Raises:
            ConfigError: they cannot be told from the files of the table alone.
            DatasetError: rows were deleted or written again since then.
        """
        dataset = config.current
        if since is not None:
            name, first = (delta.SINCE, since + 1)
            if dataset.format == "iceberg":
                name, first = iceberg.SINCE, since
            dataset = replace(dataset, options={**dataset.options, name: str(first)})
        opened = open_source(spark, dataset, {}, way=config.scan, side="current")
        if not isinstance(opened, ArrowSource) or config.expressions:
            why = "derived features and conditions need Spark's reader"
            if not config.expressions:
                why = opened.access_path
            raise ConfigError(f"current.changes: expected files that Arrow reads: {why}")
        path = (ALL if since is None else ADDED.format(since)) + opened.access_path
        return cls(replace(opened, access_path=path), since)

    def added(
        self,
        record: Record[Config],
        reference: Reference,
        counts: tuple[Counting, Sequence[Profile], Sequence[JointProfile]],
        store: Store,
    ) -> CountedChanges:
        """Store what was counted of them as a batch; where all was read, as the only one."""
        config, (what, counted, together) = record.config, counts
        name = f"{CHANGES}{'start' if self.since is None else self.since}"
        others = [batch_of(config.monitor, file) or "" for file in store.names("profiles")]
        parts = list(batch_rows(config, reference, what, counted, together, record.run_id))
        write_batch(config.output.path, config.monitor, name, parts)
        for other in others:
            if self.since is None and other.startswith(CHANGES) and other != name:
                write_batch(config.output.path, config.monitor, other, PROFILES.empty_table())
        batches = StoredBatches.of(store, config.monitor)
        names = tuple(p.feature.name for p in what.pairs)
        return CountedChanges(batches, reference.reference_id, names, windows_of(config, counted))


@dataclass(frozen=True, eq=False)
class CountedChanges:
    """The windows that a table's changes lie in, each with all that was counted of it so far.

    Attributes:
        batches: what was counted.
        reference_id: on which cells.
        names: of the features.
        windows: those that have new rows.
    """

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
        return [profiles[name] for name in self.names], list(joint.values())


def last_version(store: Store, monitor: str, reference_id: str) -> int | None:
    """The version of the table that the last run read, counted on the cells of a reference.

    None if no run did, or only one that did not come to its end.
    """
    for row in stored_runs(store, monitor, None):
        match = _READ.match(row["current_read"] or "")
        if match and row["error"] is None:
            return int(match[1]) if row["reference_id"] == reference_id else None
    return None
