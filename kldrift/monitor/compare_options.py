"""From the options of ``kldrift.compare`` to a configuration: a text is a list of one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kldrift.config import Config
from kldrift.config.load import config_as_stated


def config_of(
    features: Mapping[str, Any],
    *,
    joint: object,
    segments: object,
    thresholds: object,
    alpha: object,
    scoring: Mapping[str, object],
) -> Config:
    """Check options and make a configuration of them; ``${`` in a name is a part of the name."""
    mapping: dict[str, Any] = {
        "monitor": "compare",
        "reference": {"sql": "reference"},
        "current": {"sql": "current"},
        "features": {
            "include": listed(features["include"]),
            "exclude": listed(features["exclude"]),
            "override": _each(features["override"], _override),
            "derived": as_plain(features["derived"]),
        },
        "joint": _each(joint, _group),
        "segments": _segments(segments),
        "scoring": dict(scoring),
        "significance": {"alpha": alpha},
        "output": {"path": "none"},
        "expectations": False,
    }
    if thresholds is not None:
        mapping["thresholds"] = _thresholds(thresholds)
    return config_as_stated(mapping)


def listed(value: object) -> object:
    """Return a list of names, also of a single one; what is neither is left to be refused.

    Examples:
        >>> listed("age"), listed(("age", "sex")), listed(5)
        (['age'], ['age', 'sex'], 5)
    """
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else value


def as_plain(value: object) -> object:
    """Return mappings of any class as dictionaries, tuples as lists, also inside them."""
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    return [as_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _each(value: object, convert: Any) -> object:
    if isinstance(value, Mapping):
        return {name: convert(item) for name, item in value.items()}
    return value


def _override(value: object) -> object:
    override = as_plain(value)
    if isinstance(override, dict):
        if "parts" in override:
            override["parts"] = listed(override["parts"])
        _set_thresholds(override)
        if "categories" in override:
            override["categories"] = _each(override["categories"], lambda one: _each(one, _levels))
    return override


def _group(value: object) -> object:
    group = as_plain(value) if isinstance(value, Mapping) else {"features": value}
    assert isinstance(group, dict)
    if "features" in group:
        group["features"] = listed(group["features"])
    _set_thresholds(group)
    return group


def _set_thresholds(section: dict[Any, Any]) -> None:
    if section.get("thresholds") is not None:
        section["thresholds"] = _thresholds(section["thresholds"])


def _segments(value: object) -> object:
    lists = listed(value)
    if not isinstance(lists, list):
        return lists
    return [as_plain(one) if isinstance(one, Mapping) else listed(one) for one in lists]


def _thresholds(value: object) -> object:
    """Return levels by metric; a plain number is critical, and one alone is that of ``kl``."""
    return _each({"kl": value} if _is_number(value) else value, _levels)


def _levels(value: object) -> object:
    return {"warning": None, "critical": value} if _is_number(value) else as_plain(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
