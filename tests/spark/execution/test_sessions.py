"""A session that kldrift did not start is neither stopped nor changed, in whatever thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kldrift.config import Spark
from kldrift.execution import session as sessions

pytestmark = pytest.mark.spark


def test_a_second_thread_takes_the_session_as_it_is(classic):
    setting = "spark.sql.shuffle.partitions"
    before = classic.conf.get(setting)

    def used():
        with sessions.session_in_use(Spark(conf={setting: "99"}), "another thread") as session:
            return session.sparkContext.applicationId, session.conf.get(setting)

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(used).result()
    assert found == (classic.sparkContext.applicationId, before)
    assert classic.conf.get(setting) == before
    assert classic.range(3).count() == 3


def test_what_two_threads_share_is_stopped_by_the_last_of_them(monkeypatch):
    class Session:
        stopped = 0

        def stop(self):
            self.stopped += 1

    started = []

    def open_session(*_):
        if sessions._OURS.session is not None:
            return sessions._OURS.session, False
        started.append(Session())
        return started[-1], True

    monkeypatch.setattr(sessions, "open_session", open_session)
    second_is_in = threading.Event()
    first_is_out = threading.Event()

    def second():
        with sessions.session_in_use(Spark(), "second"):
            second_is_in.set()
            first_is_out.wait(10)
            return started[0].stopped

    with ThreadPoolExecutor(1) as pool:
        with sessions.session_in_use(Spark(), "first"):
            later = pool.submit(second)
            assert second_is_in.wait(10)
        first_is_out.set()
        assert later.result() == 0
    assert [s.stopped for s in started] == [1]
