"""What kldrift.expectations does to a process, and what a process without kldrift can do."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from expectations_tables import case_rows, publish_rows, row

from kldrift.errors import OutputError
from kldrift.expectations.folder import PACKAGE

REPOSITORY = Path(__file__).parents[3]


def python(code, *options, **variables):
    """Run code in a process of its own, as a user would."""
    environment = {k: v for k, v in os.environ.items() if k != "GX_ANALYTICS_ENABLED"}
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment | {"PYTHONPATH": str(REPOSITORY)} | variables,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("process")
    publish_rows(folder, case_rows())
    return str(folder / "gx")


def test_nothing_but_the_expectations_imports_great_expectations():
    done = python(
        """
        import importlib, pathlib, sys
        for path in sorted(pathlib.Path("kldrift").rglob("*.py")):
            names = path.with_suffix("").parts
            if "expectations" not in names and "__main__" not in names:
                importlib.import_module(".".join(names))
        print("great_expectations" in sys.modules, len(sys.modules) > 100)
        """
    )
    assert done.stdout.split() == ["False", "True"], done.stderr


@pytest.mark.parametrize(
    "how",
    ["import kldrift.expectations", "with import_ahead('kldrift.expectations'): pass"],
    ids=["here", "in a thread"],
)
def test_importing_survives_warnings_as_errors_and_leaves_warnings_as_they_were(how):
    done = python(
        """
        import logging, os, sys, warnings
        import pandas, scipy.special  # they add filters of their own
        from kldrift.execution.meanwhile import import_ahead
        before = warnings.showwarning, list(warnings.filters)
        HOW
        assert "kldrift.expectations.publish" in sys.modules
        assert (warnings.showwarning, list(warnings.filters)) == before
        assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
        warnings.simplefilter("always")
        warnings.warn("still heard")
        logging.captureWarnings(True)
        assert warnings.showwarning is not before[0]
        """.replace("HOW", how),
        "-W",
        "error",
    )
    assert done.returncode == 0, done.stderr
    assert "still heard" in done.stderr


def test_importing_survives_a_spark_connect_that_ends_the_process_where_grpc_is_missing():
    done = python(
        """
        import importlib.abc, importlib.util, sys
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, package=None: (
            None if name == "grpc" else find(name, package)
        )
        class Ends(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name == "pyspark.sql.connect":
                    sys.exit(0)
        sys.meta_path.insert(0, Ends())
        import kldrift.expectations
        assert "pyspark.sql.connect" not in sys.modules
        print("alive")
        """
    )
    assert done.stdout.split() == ["alive"], done.stderr


def test_a_capture_of_warnings_that_was_on_before_stays_on_until_it_is_ended():
    done = python(
        """
        import logging, sys, warnings
        logging.basicConfig(stream=sys.stdout)
        logging.captureWarnings(True)
        import kldrift.expectations
        warnings.warn("captured")
        logging.captureWarnings(False)
        warnings.warn("let go")
        """
    )
    assert "py.warnings" in done.stdout, done.stderr
    assert "captured" in done.stdout
    assert "let go" in done.stderr
    assert "let go" not in done.stdout


def test_a_plain_great_expectations_process_opens_reruns_extends_and_adds_an_action(root):
    done = python(
        """
        import sys
        import great_expectations as gx
        from great_expectations.checkpoint import ValidationAction

        class Loud(ValidationAction):
            type: str = "loud"
            def run(self, checkpoint_result, action_context=None):
                print("loud", checkpoint_result.success)
                return {}

        assert "kldrift" not in sys.modules
        context = gx.get_context(mode="file", context_root_dir=sys.argv[1])
        assert "kldrift" in sys.modules
        keys = context.validation_results_store.list_keys()
        print(len(keys), context.validation_results_store.get(keys[0]).statistics)
        suite = context.suites.get("taxi")
        suite.add_expectation(gx.expectations.ExpectColumnToExist(column="q_value"))
        checkpoint = context.checkpoints.get("taxi")
        checkpoint.actions.append(Loud(name="loud"))
        checkpoint.save()
        (suite,) = context.checkpoints.get("taxi").run().run_results.values()
        print(suite.statistics["evaluated_expectations"])
        """.replace("sys.argv[1]", repr(root))
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("1 {'evaluated_expectations': 42,"), done.stderr
    assert lines[1:] == ["loud False", "43"]


def test_without_kldrift_the_folder_does_not_open(root):
    done = python(
        f"""
        import sys
        sys.modules["kldrift"] = None
        import great_expectations as gx
        gx.get_context(mode="file", context_root_dir={root!r})
        print("opened")
        """
    )
    assert done.stdout == ""
    assert "kldrift.expectations" in done.stderr


def test_with_the_store_changed_back_the_checkpoint_does_not_load(tmp_path):
    publish_rows(tmp_path, [row("a")], data_docs=False)
    yml = tmp_path / "gx/great_expectations.yml"
    yml.write_text(yml.read_text().replace(f"    module_name: {PACKAGE}\n", "", 1))
    done = python(
        f"""
        import great_expectations as gx
        context = gx.get_context(mode="file", context_root_dir={str(tmp_path / "gx")!r})
        print(len(context.suites.get("taxi").expectations))
        context.checkpoints.get("taxi")
        print("loaded")
        """
    )
    assert done.stdout == "0\n", "GX no longer drops what it does not know"
    assert "kldrift_summary" in done.stderr


def test_a_run_waits_for_the_run_that_holds_the_folder(tmp_path):
    lock = tmp_path / "gx/.kldrift.lock"
    lock.parent.mkdir()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        released = []

        def release():
            time.sleep(0.3)
            released.append(True)
            fcntl.flock(held, fcntl.LOCK_UN)

        thread = threading.Thread(target=release)
        thread.start()
        assert publish_rows(tmp_path, [row("a")], data_docs=False).evaluated == 2
        assert released
        thread.join()


def test_a_run_that_waits_too_long_says_who_is_in_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["kldrift.expectations.publish"], "LOCK_SECONDS", 0.1)
    lock = tmp_path / "gx/.kldrift.lock"
    lock.parent.mkdir()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match=r"another run was still writing .* after 0\.1 s"):
            publish_rows(tmp_path, [row("a")])
    assert [p.name for p in (tmp_path / "gx").iterdir()] == [".kldrift.lock"]
