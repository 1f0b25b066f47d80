"""Keeps reused workers from reading Spark's own archive again before every task.

Before each task a Python worker of Spark invalidates the import caches, and since Python 3.10 that
makes each cached importer of a zip file read the file's directory again, entry by entry, in Python.
For ``pyspark.zip`` this takes 150 ms: longer than counting ten million values. See
docs/decisions/file-splits.md.
"""

from __future__ import annotations

import sys
import zipimport


def forget_archives() -> None:
    """Drop the cached importers of zip files.

    The next import from one makes a new importer, from the directory that Python still remembers.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimport.zipimporter):
            del sys.path_importer_cache[path]
