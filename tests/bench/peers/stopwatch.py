"""What the script of every tool does alike; only the standard library, for every environment."""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import TypeVar

Data = TypeVar("Data")


def clock(read: Callable[[str], Data], compare: Callable[[Data, Data], int]) -> None:
    """Read both files, compare them, print one line of JSON.

    Args:
        read: a folder of Parquet files to what the tool compares.
        compare: reference and current to the number of columns that got a result.
    """
    warnings.simplefilter("ignore")
    began = time.perf_counter()
    reference, current = read(sys.argv[1]), read(sys.argv[2])
    middle = time.perf_counter()
    columns = compare(reference, current)
    end = time.perf_counter()
    found = {
        "seconds": end - began,
        "read_s": middle - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "columns": columns,
    }
    print(json.dumps(found))
