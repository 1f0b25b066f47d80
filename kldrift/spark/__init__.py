"""What runs on Spark beside the scans: the session, merging and scoring."""

from __future__ import annotations
