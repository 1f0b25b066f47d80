"""A server of S3 on this machine, and configurations over what lies in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs as pafs

BUCKET = "lake-of-tests"


@contextmanager
def object_store() -> Iterator[dict[str, str]]:
    """The options of a bucket that holds two months of two files, on a server of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        options = {"endpoint_override": f"{host}:{port}", "scheme": "http", "region": "us-east-1"}
        s3 = pafs.S3FileSystem(**options, allow_bucket_creation=True)
        s3.create_dir(BUCKET)
        for month, shift in (("2024-01", 0.0), ("2024-02", 1.0)):
            for part in range(2):
                table = pa.table({"n": np.arange(200) % 7, "x": np.arange(200) % 50 + shift})
                path = f"{BUCKET}/trips/month={month}/part-{part}.parquet"
                pq.write_table(table, path, filesystem=s3, row_group_size=50)
        with s3.open_output_stream(f"{BUCKET}/trips/month=2024-01/_SUCCESS") as file:
            file.write(b"")
        yield options
        server.stop()


def mapping(reference: dict[str, object], current: dict[str, object], output: object):
    return {
        "monitor": "store",
        "reference": reference,
        "current": current,
        "output": {"path": str(output)},
        "expectations": False,
        "scan": "arrow",
    }


def write_local(folder):
    folder.mkdir()
    for part in range(2):
        pq.write_table(pa.table({"x": np.arange(100) % 9}), folder / f"{part}.parquet")
    return folder
