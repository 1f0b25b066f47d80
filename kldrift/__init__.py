"""Data drift, measured: which features no longer look like their reference, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kldrift.comparison import compare
    from kldrift.config import load_config
    from kldrift.runner import model_shift, run

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "load_config", "model_shift", "run"]

_HOMES: Final = {
    "compare": "kldrift.comparison",
    "load_config": "kldrift.config",
    "model_shift": "kldrift.runner",
    "run": "kldrift.runner",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: executors and `kldrift --help` need none of them."""
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 - as late as the rest

        found = getattr(import_module(_HOMES[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
