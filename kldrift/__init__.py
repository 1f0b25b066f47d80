"""Data drift, measured: which features no longer look like their reference, and why."""

from __future__ import annotations

__version__ = "0.1.0"
