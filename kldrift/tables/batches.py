"""The profiles of batches: what was counted of a stream, or of rows added to a table.

One file per batch, so that a batch that is written twice stands once. Its rows are those of each
window that it has rows of; profiles add, so a window is the sum of its batches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.errors import ConfigError, OutputError
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.tables.conform import conform
from kldrift.tables.layout import batch_file, batch_of
from kldrift.tables.parquet import TableParts
from kldrift.tables.read import read_if_there
from kldrift.tables.read_profiles import read_profiles
from kldrift.tables.schema import PROFILES
from kldrift.tables.store import Store
from kldrift.tables.supports import Supports
from kldrift.tables.window import Window
from kldrift.tables.write import write_tables

BATCH_MARK: Final = "batch"
"""What ``profiles.dataset`` says of the rows of a batch."""
_NAME: Final = re.compile(r"[A-Za-z0-9._]{1,64}", re.ASCII)
_OF_WINDOW: Final = ["window_start", "window_end", "reference_id"]


def checked_name(batch: object) -> str:
    """The name of a batch, checked for use in a file name."""
    name = str(batch)
    if isinstance(batch, bool) or not isinstance(batch, int | str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"batch: expected a number or up to 64 letters, digits, '.' and '_', got {batch!r}"
        )
    return name


def write_batch(path: str, monitor: str, batch: str, rows: TableParts) -> None:
    """Replace the rows of one batch."""
    about = {"monitor": monitor, "dataset": BATCH_MARK}
    write_tables(path, {"profiles": batch_file(monitor, batch)}, {"profiles": rows}, about)


@dataclass(frozen=True, eq=False)
class StoredBatches:
    """The batches of a monitor: their files, by window and the reference they were counted on."""

    store: Store
    monitor: str
    files: Mapping[Window, Mapping[str, list[str]]]

    @classmethod
    def of(cls, store: Store, monitor: str) -> StoredBatches:
        """Find the windows that batches have rows of."""
        files: dict[Window, dict[str, list[str]]] = {}
        for name in store.names("profiles"):
            if batch_of(monitor, name) is None:
                continue
            rows = _read(store, name, _OF_WINDOW)
            for row in rows.group_by(_OF_WINDOW).aggregate([]).to_pylist():
                window = Window(row["window_start"], row["window_end"])
                files.setdefault(window, {}).setdefault(row["reference_id"], []).append(name)
        return cls(store, monitor, files)

    def reference_id(self, window: Window) -> str | None:
        """The reference that the batches of a window were counted on; None if it has none."""
        ids = sorted(self.files.get(window, {}))
        if len(ids) > 1:
            names = " and ".join(self.files[window][i][-1] for i in ids)
            raise OutputError(
                f"window {window.key}: its batches were counted on {len(ids)} references "
                f"({names}), so they do not add up; count them again on one"
            )
        return ids[0] if ids else None

    def profiles(
        self, supports: Supports, window: Window
    ) -> list[tuple[dict[str, Profile], dict[str, JointProfile]]]:
        """The profiles of features and of joint groups that each batch has in a window."""
        profiles = []
        for name in self.files.get(window, {}).get(supports.reference_id, ()):
            rows = conform("profiles", _read(self.store, name))
            mine = pc.equal(
                rows["window_start"], pa.scalar(window.start, rows["window_start"].type)
            )
            profiles.append(read_profiles(rows.filter(mine), supports))
        return profiles


def _read(store: Store, name: str, columns: list[str] | None = None) -> pa.Table:
    where = f"profiles/{name}"
    rows = read_if_there(store, where, columns, PROFILES, "count the batch again")
    if rows is None:
        raise OutputError(f"{store.location(where)} was deleted meanwhile")
    return rows
