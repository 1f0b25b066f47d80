"""What is done in a thread, while something else is done or waited for."""

from __future__ import annotations

import importlib
import sys
import threading

import pytest

from kldrift.execution.meanwhile import import_ahead, meanwhile


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        written.append(name)

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_a_module_is_imported_by_another_thread_until_the_end_of_the_block(write_module):
    source = "import time, threading\ntime.sleep(0.2)\nby = threading.get_ident()\n"
    write_module("slow_to_import", source)
    with import_ahead("slow_to_import"):
        assert not hasattr(sys.modules.get("slow_to_import"), "by")
    assert sys.modules["slow_to_import"].by != threading.get_ident()


def test_an_import_that_fails_says_so_where_the_module_is_needed(write_module, capsys):
    write_module("broken_when_imported", "raise OSError('no licence')\n")
    with import_ahead("broken_when_imported"):
        pass
    assert capsys.readouterr() == ("", "")
    with pytest.raises(OSError, match="no licence"):
        importlib.import_module("broken_when_imported")


def test_an_error_of_the_block_comes_out_when_the_import_has_ended(write_module):
    write_module("imported_all_the_same", "import time\ntime.sleep(0.1)\n")
    with pytest.raises(ValueError, match="no Spark"), import_ahead("imported_all_the_same"):
        raise ValueError("no Spark")
    assert "imported_all_the_same" in sys.modules


def test_a_block_and_what_is_done_meanwhile_wait_for_each_other():
    begun, ended = threading.Event(), []
    with meanwhile(lambda: (begun.wait(10), ended.append(threading.get_ident())), "other"):
        assert not ended
        begun.set()
    assert len(ended) == 1
    assert ended != [threading.get_ident()]


def test_what_fails_meanwhile_is_raised_once_the_block_has_ended():
    went_on = []

    def fail():
        raise OSError("no answer")

    with pytest.raises(OSError, match="no answer"), meanwhile(fail, "other"):
        went_on.append(True)
    assert went_on


def test_an_error_of_the_block_comes_before_one_of_what_is_done_meanwhile():
    def fail():
        raise OSError("no answer")

    with pytest.raises(ValueError, match="the block"), meanwhile(fail, "other"):
        raise ValueError("the block")
