"""A headless Chromium that is driven over a pipe: what it logs, what it asks the network for."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WITHOUT = "needs Chromium: apt-get install chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
SECONDS = 30.0


class Browser:
    """One tab."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._left = b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.events: list[dict] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params) -> dict:
        """Call a method of the DevTools protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> dict:
        deadline = time.monotonic() + SECONDS
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._read], [], [], deadline - time.monotonic())
            assert ready, "Chromium does not answer"
            self._left += os.read(self._read, 1 << 20)
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)

    def open(
        self, page: Path, width: int = 1280, height: int = 900, *, scripts: bool = True
    ) -> float:
        """Open a file; return the seconds until it was loaded and its script had run."""
        self.events.clear()
        self.resize(width, height)
        begin = time.perf_counter()
        self.call("Page.navigate", url=page.as_uri())
        done = f"location.href == {json.dumps(page.as_uri())} && document.readyState == 'complete'"
        while not self.run(done):
            time.sleep(0.01)
        if scripts:
            self.run("new Promise(f => requestAnimationFrame(() => setTimeout(f, 0)))")
        return time.perf_counter() - begin

    def resize(self, width: int, height: int) -> None:
        """Make the window so large."""
        size = {"width": width, "height": height}
        self.call("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=1, mobile=False)

    def run(self, script: str):
        """The value of an expression in the page."""
        options = {"returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys as a person does."""
        codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowRight": 39}
        for key in keys:
            typed = {"Enter": "\r", " ": " "}
            text = {"text": typed[key]} if key in typed else {}
            about = {"key": key, "windowsVirtualKeyCode": codes[key], **text}
            self.call("Input.dispatchKeyEvent", type="keyDown", **about)
            self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def troubles(self, *own: str) -> list[str]:
        """What was logged as an error or a warning, or thrown, and what was asked of a network.

        Args:
            own: beginnings of addresses that may be asked for.
        """
        self.run("0")  # what has happened is then told
        found = []
        for event in self.events:
            params, method = event.get("params", {}), event.get("method")
            if method == "Runtime.exceptionThrown":
                found.append(json.dumps(params["exceptionDetails"]))
            if method == "Runtime.consoleAPICalled":
                found.append(json.dumps(params["args"]))
            if method == "Log.entryAdded":
                found.append(params["entry"]["text"])
            if method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.startswith(("file:", *own)):
                    found.append(url)
        return found

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Write what is seen as a PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium for a block."""
    assert CHROMIUM is not None
    theirs_read, ours_write = os.pipe()
    ours_read, theirs_write = os.pipe()

    # The protocol speaks through descriptors 3 and 4: a shell puts the pipes there.
    command = f'exec "$@" 3<&{theirs_read} 4>&{theirs_write}'
    process = subprocess.Popen(
        ["bash", "-c", command, "chromium", CHROMIUM, *FLAGS],
        pass_fds=(theirs_read, theirs_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_read)
    os.close(theirs_write)
    try:
        yield Browser(ours_read, ours_write)
    finally:
        os.close(ours_write)
        os.close(ours_read)
        process.terminate()
        process.wait(10)
