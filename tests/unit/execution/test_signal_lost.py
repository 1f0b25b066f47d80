"""A signal that comes while Python deletes an object ends the command all the same."""

from __future__ import annotations

import logging
import signal
import time

import pytest

from kldrift.errors import Terminated
from kldrift.execution.stopping import signals_raised


class Deleted:
    """Gets a signal while it is deleted, where Python drops what is raised."""

    def __init__(self, sent: signal.Signals) -> None:
        self.sent = sent

    def __del__(self) -> None:
        signal.raise_signal(self.sent)
        time.sleep(0.01)  # the handler runs here


def deleted_and_waited(sent: signal.Signals) -> None:
    one = Deleted(sent)
    del one
    time.sleep(2)


@pytest.mark.parametrize(
    ("sent", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_signal_that_is_dropped_is_sent_again(
    sent: signal.Signals, raised: type[BaseException]
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner may have its own
    try:
        with signals_raised(), pytest.raises(raised):
            deleted_and_waited(sent)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_shows_no_traceback_of_the_driver(caplog: pytest.LogCaptureFixture) -> None:
    told = "KeyboardInterrupt while sending command."  # by py4j, to the root logger
    with signals_raised():
        logging.error(told)  # noqa: LOG015 - as it does
        logging.error("else")  # noqa: LOG015
    assert caplog.messages == ["else"]
