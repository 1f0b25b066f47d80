"""Ctrl-C while Spark starts is an interruption, not an error of Spark's."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager

import pytest

from kldrift.config import Spark
from kldrift.execution import session as sessions


def test_the_handler_that_spark_sets_while_it_starts_does_not_call_its_busy_driver(monkeypatch):
    def busy(_):
        raise OSError("Error while sending or receiving")

    def get_or_create(_):
        def handler(*_):  # as Spark's
            sessions.SparkContext.cancelAllJobs(None)
            raise KeyboardInterrupt

        signal.signal(signal.SIGINT, handler)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(sessions.SparkContext, "cancelAllJobs", busy)
    monkeypatch.setattr(sessions.SparkSession.Builder, "getOrCreate", get_or_create)
    monkeypatch.setattr(sessions, "require_java", lambda: None)
    monkeypatch.setattr(sessions, "active_session", lambda: None)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        sessions.open_session(Spark(), "x")
    assert signal.getsignal(signal.SIGINT) is before
    assert sessions.SparkContext.cancelAllJobs is busy


@pytest.mark.parametrize("what", [KeyboardInterrupt, OSError])
def test_a_jvm_that_was_starting_ends_before_what_is_done_meanwhile(monkeypatch, what):
    children, codes = [], []

    def get_or_create(_):
        children.append(subprocess.Popen(["sleep", "60"]))
        raise what

    @contextmanager
    def meanwhile():
        try:
            yield
        finally:
            codes.append(children[0].wait(10))

    monkeypatch.setattr(sessions.SparkContext, "_gateway", None)
    monkeypatch.setattr(sessions.SparkSession.Builder, "getOrCreate", get_or_create)
    monkeypatch.setattr(sessions, "require_java", lambda: None)
    monkeypatch.setattr(sessions, "active_session", lambda: None)
    with pytest.raises(sessions.SparkError if what is OSError else what):
        sessions.open_session(Spark(), "x", meanwhile())
    assert codes == [-signal.SIGTERM]
