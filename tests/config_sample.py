"""The smallest configuration, and ways to change one thing of it."""

from __future__ import annotations

import copy

MINIMAL = {
    "monitor": "trips",
    "reference": {"path": "ref.parquet"},
    "current": {"path": "cur.parquet"},
    "output": {"path": "drift"},
}


def minimal(**changes):
    """The smallest configuration with top-level keys replaced."""
    return {**copy.deepcopy(MINIMAL), **changes}


def placed(path, value, mapping=None):
    """A configuration with one value at a key path."""
    mapping = minimal() if mapping is None else mapping
    section = mapping
    for key in path[:-1]:
        section = section.setdefault(key, {})
    section[path[-1]] = value
    return mapping
