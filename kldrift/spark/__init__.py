"""The formulas over Spark columns; scans and sessions are in :mod:`kldrift.execution`."""

from __future__ import annotations
