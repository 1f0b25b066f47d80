"""The run: plan, profile, score, judge, write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kldrift.monitor.draft import init
    from kldrift.monitor.job import check, run

__all__ = ["check", "init", "run"]


def __getattr__(name: str) -> Any:
    """Import the job when it is asked for: comparing data in memory needs no Spark."""
    if name in __all__:
        from importlib import import_module  # noqa: PLC0415 - see above

        module = "kldrift.monitor.draft" if name == "init" else "kldrift.monitor.job"
        return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
