"""The rows of ``profiles``: one per stored cell of each dataset, feature and group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from kldrift.monitor.rows import Stamp, described_cells
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.verdict import Verdicts
from kldrift.tables.schema import PROFILES


def profile_parts(verdicts: Verdicts, stamp: Stamp) -> Iterator[pa.Table]:
    """``profiles`` of a run: cells without rows only of whole datasets."""
    for i, subject in enumerate(verdicts.subjects):
        if subject.comparison is None:
            continue
        segment = verdicts.segment[verdicts.of == i]
        whole = verdicts.whole[verdicts.of == i]
        for side in ("reference", "current"):
            profile: Profile = getattr(subject.comparison, side)
            row, at = np.nonzero((profile.counts > 0) | whole[:, None])
            columns: dict[str, Any] = {
                "dataset": pa.repeat(side, len(row)),
                "segment": pa.array(segment, pa.string()).take(pa.array(row)),
                "feature": pa.repeat(subject.name, len(row)),
                "kind": pa.repeat(subject.kind, len(row)),
                "cell": at.astype(np.int32),
                "rows": profile.counts[row, at],
            }
            described = described_cells([profile.support.cells])
            columns |= {name: column.take(pa.array(at)) for name, column in described.items()}
            if profile.moments is not None and isinstance(profile.support, NumericSupport):
                m = profile.moments.summary(profile.support.scale)
                for name in ("mean", "m2", "minimum", "maximum"):
                    values = getattr(m, name)
                    known = pa.array(values, mask=~np.isfinite(values))
                    columns[name] = known.take(pa.array(row))
                columns["moment_rows"] = m.rows[row]
            yield stamp.table(columns, len(row), PROFILES)
