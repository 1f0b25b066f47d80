"""spark-submit on a standalone cluster of two workers writes the tables that local[2] writes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyspark
import pytest
import yaml
from all_types import OVERRIDES, all_types, write_parts

import kldrift

ROOT = Path(__file__).parents[3]
SPARK_HOME = Path(pyspark.__file__).parent
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.spark


OF_A_REMOTE_SESSION = ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_CONNECT_MODE_ENABLED")
"""What a session of Spark Connect sets for its own process."""


def environment() -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if k not in OF_A_REMOTE_SESSION}
    return own | {
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
        "SPARK_DAEMON_JAVA_OPTS": os.environ["SPARK_SUBMIT_OPTS"],
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(log: Path, text: str, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while text not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < until, f"{text!r} did not come: {log.read_text()}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def master(tmp_path_factory) -> Iterator[str]:
    """A standalone master with two workers of one core, on loopback, from the pip package."""
    folder = tmp_path_factory.mktemp("cluster")
    spark_class = str(SPARK_HOME / "bin" / "spark-class")
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    deploy = "org.apache.spark.deploy"
    host = ["--host", "127.0.0.1", "--webui-port", "0"]
    commands = {"master": [f"{deploy}.master.Master", *host, "--port", str(port)]}
    for i in (1, 2):
        work = ["--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"work{i}")]
        commands[f"worker{i}"] = [f"{deploy}.worker.Worker", *host, *work, url]
    processes = []
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("w") as log:
                started = [spark_class, *command]
                process = subprocess.Popen(
                    started, stdout=log, stderr=log, env=environment(), cwd=folder
                )
                processes.append(process)
            if name == "master":  # a worker that comes too early waits for ten seconds
                wait_for(folder / "master.log", "New state: ALIVE")
        for i in (1, 2):
            wait_for(folder / f"worker{i}.log", "Successfully registered")
        yield url
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def submit(master: str, config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    memory = ["--conf", "spark.executor.memory=700m", "--conf", "spark.ui.enabled=false"]
    memory += ["--conf", "spark.sql.shuffle.partitions=4"]
    memory += ["--conf", f"spark.executor.extraJavaOptions={os.environ['SPARK_SUBMIT_OPTS']}"]
    bind = ["--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.driver.bindAddress=127.0.0.1"]
    command = [str(BIN / "spark-submit"), "--master", master, *memory, *bind]
    command += [str(ROOT / "jobs" / "monitor.py"), "--config", str(config), *options]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=400, check=False
    )


def test_a_cluster_of_two_workers_writes_the_tables_of_one_machine(master, spark, tmp_path):
    write_parts(all_types(400, 0), tmp_path / "reference", 3)
    write_parts(all_types(300, 1), tmp_path / "current", 2)
    outputs, configs = {}, {}
    for name in ("cluster", "local"):
        configs[name] = config = tmp_path / f"{name}.yaml"
        mapping = {
            "monitor": "types",
            "reference": {"path": "reference"},
            "current": {"path": "current"},
            "features": {"override": OVERRIDES},
            "output": {"path": name},
            "expectations": False,
        }
        config.write_text(yaml.safe_dump(mapping))
        outputs[name] = tmp_path / name
    done = submit(master, configs["cluster"], "--quiet", "--as-of", "2024-01-01")
    assert done.returncode == 0, done.stderr
    kldrift.run(configs["local"], spark=spark, as_of="2024-01-01")
    for table in ("supports", "profiles", "drift_cells", "drift_scores"):
        frames = [pd.read_parquet(outputs[name] / table).drop(columns="run_id") for name in outputs]
        frames = [f.drop(columns=[c for c in OF_A_RUN if c in f]) for f in frames]
        exact = [f.drop(columns=[c for c in MOMENTS if c in f]) for f in frames]
        pd.testing.assert_frame_equal(*exact)
        close = [f[[c for c in MOMENTS if c in f]] for f in frames]
        pd.testing.assert_frame_equal(*close, rtol=1e-12, atol=1e-300)


MOMENTS = (
    "gaussian_kl",
    "gaussian_kl_mean",
    "gaussian_kl_spread",
    "mean_reference",
    "mean_current",
    "std_reference",
    "std_current",
    "sum1",
    "sum2",
)
OF_A_RUN = ("read_at", "reference_key", "sum1_low", "sum2_low")


def test_a_wrong_configuration_ends_a_submitted_job_with_exit_code_2(tmp_path):
    config = tmp_path / "kldrift.yaml"
    config.write_text("monitor: [1]\n")
    done = submit("local[1]", config)
    assert done.returncode == 2
    said = done.stdout + done.stderr  # spark-submit moves one into the other
    assert "kldrift: error:" in said
    assert "Traceback" not in said
