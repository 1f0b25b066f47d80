"""Data drift, measured: which features no longer look like their reference, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kldrift import divergence, spark
    from kldrift.calls import backfill, backtest, model_shift, report, rescore, run
    from kldrift.config import load_config
    from kldrift.errors import (
        ConfigError,
        DatasetError,
        KldriftError,
        OutputError,
        SupportMismatchError,
    )
    from kldrift.monitor.backtest import Backtest
    from kldrift.monitor.batches import count
    from kldrift.monitor.compare import compare
    from kldrift.reporting.history import Backfill
    from kldrift.reporting.result import Result, RunResult
    from kldrift.shift.result import ShiftResult

__version__ = "0.1.0"
__all__ = [
    "Backfill",
    "Backtest",
    "ConfigError",
    "DatasetError",
    "KldriftError",
    "OutputError",
    "Result",
    "RunResult",
    "ShiftResult",
    "SupportMismatchError",
    "__version__",
    "backfill",
    "backtest",
    "compare",
    "count",
    "divergence",
    "load_config",
    "model_shift",
    "report",
    "rescore",
    "run",
    "spark",
]

# No package has the name of a function, which it would replace: docs/decisions/package-names.md
_HOMES: Final = {
    "Backfill": "kldrift.reporting.history",
    "Backtest": "kldrift.monitor.backtest",
    "ConfigError": "kldrift.errors",
    "DatasetError": "kldrift.errors",
    "KldriftError": "kldrift.errors",
    "OutputError": "kldrift.errors",
    "Result": "kldrift.reporting.result",
    "RunResult": "kldrift.reporting.result",
    "ShiftResult": "kldrift.shift.result",
    "SupportMismatchError": "kldrift.errors",
    "backfill": "kldrift.calls",
    "backtest": "kldrift.calls",
    "compare": "kldrift.monitor.compare",
    "count": "kldrift.monitor.batches",
    "load_config": "kldrift.config",
    "model_shift": "kldrift.calls",
    "report": "kldrift.calls",
    "rescore": "kldrift.calls",
    "run": "kldrift.calls",
}
_PACKAGES: Final = ("divergence", "spark")


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: executors and `kldrift --help` need none of them."""
    from importlib import import_module

    if name in _PACKAGES:
        return import_module(f"kldrift.{name}")
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
