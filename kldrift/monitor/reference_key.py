"""The key of a stored reference: a digest of all that its numbers depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from kldrift import __version__
from kldrift.config import Config
from kldrift.tables.schema import SCHEMA_VERSION

FORMAT: Final = 3
"""Raised when what is stored, or how it is counted, changes within a version of kldrift."""


def digest_of(
    config: Config, version: str | None, settings: Mapping[str, str | None]
) -> str | None:
    """A digest of all that a reference's numbers depend on, apart from the features asked for.

    None where the version of the files cannot be known; ``settings`` are those of the session that
    may change what is counted.
    """
    if version is None:
        return None
    scoring = config.scoring
    question = [
        FORMAT,
        SCHEMA_VERSION,
        __version__,
        _rows_of(config),
        dict(sorted(config.expressions.items())),
        [scoring.bins, scoring.stored_bins, scoring.max_categories],
        dict(settings),
        version,
    ]
    if config.segments:
        question.append([config.segment_columns, scoring.max_segments])
    text = json.dumps(question, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _rows_of(config: Config) -> Any:
    """What is asked of the rows that freeze the cells."""
    if not config.reference.is_history or config.time is None:
        asked = config.reference.asked()
        ranged = config.reference.since or config.reference.until
        if ranged and config.time is not None:
            asked["time"] = [config.time.column, config.time.zone]
        return asked
    return [config.current.where, config.time.column]
