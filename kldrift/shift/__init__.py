"""Model shift: how far one model's classes are from another's, row by row, on the same rows."""

from __future__ import annotations
