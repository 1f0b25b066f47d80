"""The tables that leave a run: their schemas and how they are written."""

from __future__ import annotations
