"""Thresholds as native Great Expectations results: suites, checkpoints, Data Docs, actions.

Importing this package registers kldrift's classes with GX, and is what the folders written here
ask every process to do that opens them. It takes seconds, so the monitor imports it after the
Spark work, on the driver, and nothing that a Spark worker loads may import it. See
docs/decisions/great-expectations.md.
"""

from __future__ import annotations

from kldrift.expectations.action import DriftSummaryAction
from kldrift.expectations.expectation import ExpectFeatureDriftToBeLessThan
from kldrift.expectations.pages import (
    DatedIndexBuilder,
    OfflinePageView,
    PlainIndexRenderer,
    WorstFirstPageRenderer,
)
from kldrift.expectations.publish import Published, publish
from kldrift.expectations.stores import ValidationResultsStore

__all__ = [  # what publishes, and what great_expectations.yml names
    "DatedIndexBuilder",
    "DriftSummaryAction",
    "ExpectFeatureDriftToBeLessThan",
    "OfflinePageView",
    "PlainIndexRenderer",
    "Published",
    "ValidationResultsStore",
    "WorstFirstPageRenderer",
    "publish",
]
