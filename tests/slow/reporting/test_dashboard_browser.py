"""The dashboard in a real browser: no error, no request to a network, and what a person does."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from browser import CHROMIUM, WITHOUT, browser
from dashboard_sample import ATTACK, MARKDOWN, failed, written

from kldrift.config import load_config
from kldrift.reporting.figures import visible

pytest.importorskip("streamlit", reason="needs the extra dashboard")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)

ROOT = Path(__file__).parents[3]
VIEWS = ("window", "feature", "compare", "trial", "mute", "runs", "monitors", "sql")
WIDTHS = (1280, 390)
STATE = """(() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.dataset.testScriptState == 'notRunning'
    && document.querySelectorAll('[data-stale=true]').length == 0
    && document.querySelectorAll('[data-testid=stSkeleton]').length == 0
    && document.querySelectorAll('[data-testid=stHeading], [data-testid=stText], '
      + '[data-testid=stDataFrame], [data-testid=stTextArea]').length > 0;
})()"""
SECONDS = 60.0


def served(file: Path) -> tuple[subprocess.Popen, str]:
    """A server, and where it is."""
    command = [sys.executable, "-m", "kldrift", "dashboard", str(file), "--port", "0"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    assert line.startswith("kldrift: http://127.0.0.1:"), process.stderr.read()
    return process, line.split()[1]


def until(what, seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.1)


def opened(url: str) -> bool:
    where = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((where.hostname, where.port)) == 0


class Tab:
    """A tab that shows the dashboard."""

    def __init__(self, tab, url: str) -> None:
        self.tab, self.url = tab, url

    def visit(self, **places: str) -> None:
        self.tab.events.clear()
        self.tab.resize(WIDTHS[0], 900)
        self.tab.call("Page.navigate", url="about:blank")
        self.tab.call("Page.navigate", url=f"{self.url}?{urlencode(places)}")
        self.settle()

    def settle(self) -> None:
        time.sleep(0.3)
        until(lambda: self.tab.run(STATE))
        time.sleep(0.3)
        until(lambda: self.tab.run(STATE))

    def troubles(self) -> list[str]:
        return self.tab.troubles(
            self.url, self.url.replace("http", "ws"), "data:", "blob:", "about:"
        )

    def text(self) -> str:
        return self.tab.run("document.body.innerText")

    def press(self, label: str) -> None:
        same = f"b => b.innerText == {json.dumps(label)}"
        find = f"[...document.querySelectorAll('button')].find({same})"
        until(lambda: self.tab.run(f"!!{find}"))
        self.tab.run(f"{find}.click()")
        self.settle()

    def write(self, label: str, text: str) -> None:
        field = f"document.querySelector('input[aria-label=\"{label}\"]')"
        self.tab.run(f"{field}.focus()")
        self.tab.call("Input.insertText", text=text)
        self.tab.press("Enter")
        self.settle()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    made = written(tmp_path_factory.mktemp("served"), 5)
    failed(made, f"no such file {ATTACK}", monitor="broken")
    return made


@pytest.fixture(scope="module")
def tab(file):
    process, url = served(file)
    try:
        until(lambda: opened(url))
        with browser() as found:
            yield Tab(found, url)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_logs_nothing_and_asks_no_network(tab, view):
    tab.visit(view=view, feature=MARKDOWN)
    for width in WIDTHS:
        tab.tab.resize(width, 900)
        tab.settle()
        assert tab.tab.run("document.documentElement.scrollWidth") <= width
    assert tab.troubles() == []
    foreign = "iframe, object, a[href*=javascript], img[src=x]"
    assert tab.tab.run(f"document.querySelectorAll('{foreign}').length") == 0
    assert "Traceback" not in tab.text()


def test_names_of_the_data_are_text(tab):
    tab.visit(view="feature", feature=ATTACK)
    assert tab.tab.run("document.querySelectorAll('[data-testid=stText] a').length") == 0
    tab.visit()
    assert f"Worst is {visible(ATTACK)}, over all rows" in tab.text()
    assert "**x** :red[y] [a](javascript:alert(1)) $z$ http://example.com" in tab.text()
    assert tab.troubles() == []


def test_the_way_from_a_view_to_another_stands_in_the_address_and_leads_back(tab):
    tab.visit()
    tab.press("Feature")
    assert "view=feature" in tab.tab.run("location.search")
    assert "kl by window, with limits and alerts" in tab.text()
    tab.press("Runs")
    assert "latest runs" in tab.text()
    tab.tab.run("history.back()")
    tab.settle()
    assert "view=feature" in tab.tab.run("location.search")
    assert "kl by window, with limits and alerts" in tab.text()
    assert tab.troubles() == []


def test_a_mute_is_written_when_the_button_is_pressed(tab, file):
    tab.visit(view="mute", feature="amount")
    tab.write("owner", "ana")
    tab.write("reason", "new tills <b>")
    assert "feature: amount" in tab.text()
    assert load_config(file).alarms.mute == ()
    tab.press("Write them into the file")
    (mute,) = load_config(file).alarms.mute
    assert (mute.feature, mute.owner, mute.why) == ("amount", "ana", "new tills <b>")
    assert file.read_text().startswith("# Orders of the shop.\n")
    assert tab.troubles() == []


def test_controls_and_pictures_have_names(tab):
    tab.visit(view="feature")
    nodes = tab.tab.call("Accessibility.getFullAXTree")["nodes"]
    told = ("image", "textbox", "combobox", "button", "radio")
    found = [n for n in nodes if not n["ignored"] and n["role"]["value"] in told]
    assert len(found) > 10
    assert [n["role"]["value"] for n in found if not n.get("name", {}).get("value")] == []


def test_the_keyboard_goes_to_another_view(tab):
    tab.visit()
    focused = "document.activeElement.innerText"
    for _ in range(10):
        tab.tab.press("Tab")
        if tab.tab.run(focused) == "What drifted":
            break
    tab.tab.press("ArrowRight")
    assert tab.tab.run(focused) == "Feature"
    tab.tab.press(" ")
    tab.settle()
    assert "view=feature" in tab.tab.run("location.search")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=str)
def test_a_server_ends_by_a_signal_with_its_code_and_leaves_nothing(file, sent, code):
    process, url = served(file)
    until(lambda: opened(url))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(sent)
    _, told = process.communicate(timeout=30)
    assert process.returncode == code, told
    assert not opened(url)
    assert not [c for c in children if Path(f"/proc/{c}").exists()]
    assert "Traceback" not in told


def test_another_name_of_this_machine_is_no_way_in(tab):
    where = urlsplit(tab.url)
    with socket.create_connection((where.hostname, where.port)) as asked:
        asked.sendall(b"GET / HTTP/1.0\r\nHost: attacker.example\r\n\r\n")
        assert asked.recv(100).split()[1] == b"400"
