"""Write the golden output folder of this version: ``python -m tests.golden`` (needs Java).

``tests/golden/v<schema_version>`` is what one run leaves: a reference, one window, joint features,
a list of segments. Write it again only for a new ``schema_version``, or while the version is not
released: a folder that a released version has written must be read by every later one as it is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

import kldrift
from kldrift.config import config_from_mapping
from kldrift.tables import SCHEMA_VERSION
from tests.stored_run import dataset

HERE: Final = Path(__file__).parent
AS_OF: Final = datetime(2024, 3, 1, tzinfo=UTC)
MAPPING: Final = {
    "monitor": "golden",
    "reference": {"path": "reference.parquet"},
    "current": {"path": "current.parquet"},
    "features": {"override": {"date": {"parts": ["whole"]}}},
    "joint": {"pair": {"features": ["floats", "few"]}},
    "segments": [["group"]],
    "scoring": {"max_segments": 2, "bins": 5, "stored_bins": 20},
    "output": {"path": "drift"},
    "expectations": False,
}


def main() -> None:
    """Run an example in an empty folder and keep its output."""
    target = HERE / f"v{SCHEMA_VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # so that no path of this machine stands in the tables
        pq.write_table(dataset(600, 0), "reference.parquet")
        pq.write_table(dataset(400, 1), "current.parquet")
        kldrift.run(config_from_mapping(MAPPING), as_of=AS_OF, fail_on="never")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree("drift", target)
        os.chdir(HERE)


if __name__ == "__main__":
    main()
