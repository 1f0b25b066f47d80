"""A file or a mapping to a ``Config``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from kldrift.config.environment import substitute
from kldrift.config.model import Config
from kldrift.config.model_shift import ModelShift
from kldrift.config.overrides import apply_override, read_keys, read_override
from kldrift.config.problems import KeyPath, Problems, shown_value
from kldrift.config.translate import translate, unknown
from kldrift.config.values import ReadContext
from kldrift.config.yaml_text import parse_yaml
from kldrift.errors import ConfigError
from kldrift.scoring.metrics import DEFAULT_KL, DEFAULT_THRESHOLDS

_EXPECTED: Final[dict[type, str]] = {
    Config: "a mapping with monitor, reference, current and output",
    ModelShift: "a mapping with monitor, data, champion, challenger and output",
}

_OWN_KEYS: Final[dict[type, frozenset[str]]] = {
    Config: frozenset({"reference", "current", "features"}),
    ModelShift: frozenset({"data", "champion", "challenger"}),
}
"""Keys that a configuration of one kind alone has."""
_KINDS: Final[dict[type, tuple[str, str]]] = {
    Config: ("a monitor", "kldrift run"),
    ModelShift: ("a model shift", "kldrift model-shift"),
}

Asked = TypeVar("Asked", Config, ModelShift)
LEARNED_WORD: Final = "learned"
"""What stands for thresholds where limits are learnt."""


Overrides = Sequence[str] | Mapping[str, object]
"""Texts ``key.path=value``, each value YAML; or key paths and values as Python has them."""


def load_config(path: str | os.PathLike[str], *, overrides: Overrides = ()) -> Config:
    """Read and check a configuration file; nothing but the file is opened.

    Args:
        path: a YAML file.
        overrides: ``key.path=value``, each value YAML; or a mapping of key paths to values. A later
            one wins.

    Returns:
        The configuration with absolute paths and all defaults.

    Raises:
        ConfigError: with everything that is wrong, one problem per line.
    """
    return configured(Config, Path(path), overrides)


def load_model_shift(path: str | os.PathLike[str], *, overrides: Overrides = ()) -> ModelShift:
    """Read and check the configuration file of a model shift, as `load_config` does a monitor's."""
    return configured(ModelShift, Path(path), overrides)


def _looks_like(cls: type, values: object) -> bool:
    """Whether values have more of the keys that only a configuration of this kind has."""
    if not isinstance(values, Mapping):
        return False
    keys = {kind: len(own & values.keys()) for kind, own in _OWN_KEYS.items()}
    return keys.pop(cls) > max(keys.values())


def _refuse_other(cls: type, values: Mapping[str, object], name: str) -> None:
    """Refuse the configuration of the other kind in one line, and not each of its keys."""
    for other, (what, command) in _KINDS.items():
        if other is not cls and _looks_like(other, values):
            raise ConfigError(
                f"{name}: this configures {what}, not {_KINDS[cls][0]}; {command} runs it"
            )


def _set(cls: type, values: dict[str, object], overrides: Overrides) -> dict[KeyPath, str]:
    """Apply overrides in place; return what set each value, for errors."""
    if isinstance(overrides, Mapping):
        read = [("set", read_keys(path), value) for path, value in overrides.items()]
    else:
        texts = [overrides] if isinstance(overrides, str) else overrides
        read = [(f"--set {text}", *read_override(text)) for text in texts]
    for given, keys, value in read:
        if cls is Config:
            values |= _learned(values)
        if keys[0] == "thresholds" and len(keys) > 1 and values.get("thresholds") is None:
            # Setting one level of the defaults must not drop the others.
            values["thresholds"] = _spelled_out(cls)
        apply_override(values, keys, value, given)
    return {keys: given for given, keys, _ in read}


def config_as_stated(mapping: Mapping[str, object]) -> Config:
    """Check a configuration made by a program, in which ``${`` is plain text."""
    return _read(Config, dict(mapping), None, Path(), Problems("configuration"))


def config_from_mapping(
    mapping: Mapping[str, object],
    *,
    source: Path | None = None,
    base: Path | None = None,
    overrides: Overrides = (),
) -> Config:
    """Read and check a configuration that is a mapping already.

    Args:
        mapping: keys and values as in the YAML file.
        source: the file it came from, for errors.
        base: what relative paths are relative to; default: the working directory.
        overrides: as of `load_config`; the mapping itself stays as it is.

    Returns:
        The configuration with absolute paths and all defaults.

    Raises:
        ConfigError: with everything that is wrong, one problem per line.

    Examples:
        >>> config = config_from_mapping(
        ...     {
        ...         "monitor": "trips",
        ...         "reference": {"path": "/data/2020-02.parquet"},
        ...         "current": {"path": "/data/2020-04.parquet"},
        ...         "output": {"path": "/data/drift"},
        ...     }
        ... )
        >>> config.thresholds["js"]
        Threshold(warning=0.004, critical=0.02)
    """
    return _checked(Config, mapping, source, base, overrides)


def configured(cls: type[Asked], config: object, overrides: Overrides | None = None) -> Asked:
    """A configuration from what a caller has: itself, the path of its file, or a mapping."""
    if not isinstance(config, cls):
        return _checked(cls, *_stated(config), overrides or {})
    if overrides:
        raise ConfigError("set: a configuration that is made already is changed with replace()")
    return config


def configured_either(config: object, overrides: Overrides | None = None) -> Config | ModelShift:
    """The configuration of a monitor or of a model shift, whichever a caller has."""
    if isinstance(config, ModelShift):
        return configured(ModelShift, config, overrides)
    if isinstance(config, Config):
        return configured(Config, config, overrides)
    values, source, base = _stated(config)
    if _looks_like(ModelShift, values):
        return _checked(ModelShift, values, source, base, overrides or {})
    return _checked(Config, values, source, base, overrides or {})


def _stated(config: object) -> tuple[object, Path | None, Path | None]:
    """The values that a caller states, the file they are from, and what paths are relative to."""
    if not isinstance(config, str | Path):
        return config, None, None
    source = Path(config)
    return parse_yaml(_text(source), source=str(source)), source, source.parent


def _checked(
    cls: type[Asked],
    values: object,
    source: Path | None,
    base: Path | None,
    overrides: Overrides,
) -> Asked:
    name = str(source or "configuration")
    expected = f"expected {_EXPECTED[cls]}"
    if values is None and source is not None:
        raise ConfigError(f"{name}: the file is empty; {expected}")
    if not isinstance(values, Mapping):
        raise ConfigError(f"{name}: {expected}, got {shown_value(values)}")
    _refuse_other(cls, values, name)
    stated = dict(values)
    problems = Problems(name, _set(cls, stated, overrides))
    return _read(cls, substitute(stated, os.environ, problems), source, base or Path(), problems)


def _read(
    cls: type[Asked], values: Any, source: Path | None, base: Path, problems: Problems
) -> Asked:
    """Check the values of a file, with defaults filled in; ``source`` is no key of it."""
    if "source" in values:
        problems.add(("source",), unknown(cls, "source"))
    if cls is Config:
        values = _learned(values)
    if values.get("thresholds") is None:
        values["thresholds"] = _spelled_out(cls)
    reading = ReadContext(base.absolute(), values["thresholds"])
    values = {"output": {}, "expectations": {}, **values, "source": source}
    try:
        config: Asked = TypeAdapter(cls).validate_python(values, context=reading)
    except ValidationError as error:
        translate(error, cls, problems)
    problems.raise_any()
    return config


def _learned(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a file with ``thresholds: learned`` spelled out, wherever it stands."""
    if values.get("thresholds") == LEARNED_WORD:
        kl = {metric: asdict(threshold) for metric, threshold in DEFAULT_KL.items()}
        values = {**values, "thresholds": kl, "learned": True}
    features = values.get("features")
    override = features.get("override") if isinstance(features, Mapping) else None
    if not isinstance(features, Mapping) or not isinstance(override, Mapping):
        return values
    spelled = {
        name: {**own, "thresholds": {}, "learned": True}
        if isinstance(own, Mapping) and own.get("thresholds") == LEARNED_WORD
        else own
        for name, own in override.items()
    }
    return {**values, "features": {**features, "override": spelled}}


def _text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{source}: no such file; 'kldrift init' writes one") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        text = f"expected text in UTF-8, got the byte 0x{error.object[error.start]:02x}; save it so"
        raise ConfigError(f"{source}:{line}: {text}") from error
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read: {error.strerror}") from error


def _spelled_out(cls: type) -> dict[str, object]:
    thresholds = DEFAULT_THRESHOLDS if cls is Config else DEFAULT_KL
    return {metric: asdict(threshold) for metric, threshold in thresholds.items()}
