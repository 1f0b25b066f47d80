"""Fixtures that several test files share: one Spark session, the real data sets."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Machines are shared: no test may fail because it was slow, and a build must not fail by luck.
settings.register_profile(
    "kldrift",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("kldrift")

ANSI = os.environ.get("KLDRIFT_TEST_ANSI")
"""``true`` or ``false``; by default as the version of Spark has it."""
CONNECT = os.environ.get("KLDRIFT_TEST_CONNECT") == "true"
"""Whether the session of the tests is one of Spark Connect, with a server that it starts."""
DATA = Path(__file__).parents[2] / "shared" / "data"

# A JVM of a test lives too briefly for the second compiler: half of its processor time is saved.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# Scripts of the benchmarks that run in environments of other tools, and at once when imported.
collect_ignore_glob = ["bench/peers/with_*.py"]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local session for all tests; two cores, as small as it gets."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # The tasks have the environment in which Spark was started; only a server of tests asks.
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    start = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    queries = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.caseSensitive": "true",
    }
    if ANSI is not None:
        queries["spark.sql.ansi.enabled"] = ANSI
    if CONNECT:
        asked = " ".join(f"--conf {key}={value}" for key, value in start.items())
        os.environ["PYSPARK_SUBMIT_ARGS"] = f"{asked} pyspark-shell"
        session = SparkSession.builder.remote("local[2]").getOrCreate()
        for name in ("PYSPARK_SUBMIT_ARGS", "SPARK_REMOTE"):  # no commands of tests take part
            os.environ.pop(name, None)
        for key, value in queries.items():
            session.conf.set(key, value)
    else:
        builder = SparkSession.builder.master("local[2]").appName("kldrift tests")
        session = builder.config(map=start | queries).getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        logging.getLogger("py4j").setLevel(logging.ERROR)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def classic(spark: SparkSession) -> SparkSession:
    """The session, for a test that asks the JVM of its driver."""
    if CONNECT:
        pytest.skip("Spark Connect has no driver in this process to ask")
    return spark


@pytest.fixture(scope="session")
def new_session(spark: SparkSession) -> Callable[[], SparkSession]:
    """Make another session of the same Spark, with settings of its own."""
    return type(spark).builder.remote("sc://localhost").create if CONNECT else spark.newSession


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets that lies beside the project."""
    if not DATA.is_dir():
        pytest.skip(f"the real data sets are not there: no folder {DATA}")
    return DATA
