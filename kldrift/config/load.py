"""A file or a mapping to a ``Config``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from kldrift.config.environment import substitute
from kldrift.config.model import Config, default_thresholds
from kldrift.config.overrides import apply_override, read_override
from kldrift.config.problems import KeyPath, Problems, found
from kldrift.config.read import read_config
from kldrift.config.yaml_text import parse_yaml
from kldrift.errors import ConfigError

_EXPECTED: Final = "a mapping with monitor, reference, current and output"


def load_config(path: str | os.PathLike[str], *, overrides: Sequence[str] = ()) -> Config:
    """Read and check a configuration file; nothing but the file is opened.

    Args:
        path: a YAML file.
        overrides: ``key.path=value``, each value YAML; a later one wins.

    Returns:
        The configuration with absolute paths and all defaults.

    Raises:
        ConfigError: with everything that is wrong, one problem per line.
    """
    source = Path(path)
    values = parse_yaml(_text(source), source=str(source))
    if values is None:
        raise ConfigError(f"{source}: the file is empty; expected {_EXPECTED}")
    if not isinstance(values, dict):
        raise ConfigError(f"{source}: expected {_EXPECTED}, got {found(values)}")
    set_by: dict[KeyPath, str] = {}
    for override in overrides:
        keys, value = read_override(override)
        if keys[0] == "thresholds" and len(keys) > 1 and values.get("thresholds") is None:
            # Setting one level of the defaults must not drop the others.
            values["thresholds"] = _spelled_out()
        apply_override(values, keys, value)
        set_by[keys] = f"--set {override}"
    problems = Problems(str(source), set_by)
    values = substitute(values, os.environ, problems)
    return read_config(values, source=source, base=source.parent, problems=problems)


def config_from_mapping(
    mapping: Mapping[str, object], *, source: Path | None = None, base: Path | None = None
) -> Config:
    """Read and check a configuration that is a mapping already.

    Args:
        mapping: keys and values as in the YAML file.
        source: the file it came from, for errors.
        base: what relative paths are relative to; default: the working directory.

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
        >>> config.thresholds
        {'kl': Threshold(warning=0.1, critical=0.25)}
    """
    problems = Problems(str(source or "configuration"))
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{problems.source}: expected {_EXPECTED}, got {found(mapping)}")
    values = substitute(mapping, os.environ, problems)
    return read_config(values, source=source, base=base or Path(), problems=problems)


def _text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{source}: no such file; 'kldrift init' writes one") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{source}: expected text in UTF-8: {error}") from error
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read: {error.strerror}") from error


def _spelled_out() -> dict[str, object]:
    return {
        metric: {"warning": threshold.warning, "critical": threshold.critical}
        for metric, threshold in default_thresholds().items()
    }
