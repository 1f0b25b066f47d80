"""From datasets to Arrow batches to profiles, on Spark; two ways in, one way to count."""

from __future__ import annotations
