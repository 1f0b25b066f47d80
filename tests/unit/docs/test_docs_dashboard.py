"""docs/dashboard.md: its addresses, lines and questions work, and every view is named."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from dashboard_sample import written

pytest.importorskip("streamlit", reason="needs the extra dashboard")
from streamlit.testing.v1 import AppTest

from kldrift.cli.main import main
from kldrift.config.alarms import Mute
from kldrift.config.mute_file import mute_lines
from kldrift.dashboard.asked_sql import answer, columns_in
from kldrift.dashboard.screen import VIEWS
from kldrift.dashboard.serve import APP, SECTION, app_arguments
from kldrift.dashboard.sql_view import EXAMPLE
from kldrift.dashboard.stored import SECONDS
from kldrift.tables.read import read_table
from kldrift.tables.schema import TABLES

TEXT = (Path(__file__).parents[3] / "docs" / "dashboard.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("docs"), 5)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_every_view_is_named_as_on_the_page():
    named = re.findall(r"^\| (.*?) \| `view=(\w+)` \|", TEXT, re.MULTILINE)
    assert named == [(words, name) for name, (words, _) in VIEWS.items()]
    assert f"after {SECONDS} seconds" in TEXT


def test_the_address_leads_to_what_it_says(file):
    (url,) = re.findall(r"^    (http://\S+\?\S+)", TEXT, re.MULTILINE)
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.secrets[SECTION] = app_arguments(str(file), [], "127.0.0.1")
    places = dict(parse_qsl(urlsplit(url).query))
    for name, value in places.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    chosen = {box.value for box in app.selectbox}
    assert {value for name, value in places.items() if name != "view"} <= chosen


def test_the_question_is_the_one_that_stands_on_the_page_and_is_answered(file):
    (sql,) = blocks("sql")
    assert sql.strip() == EXAMPLE
    needed = columns_in(sql, TABLES)
    assert set(needed["drift_scores"]) == {"monitor", "feature", "kl", "severity", "segment"}
    tables = {n: read_table(str(file.parent / "drift"), n, of) for n, of in needed.items()}
    assert answer(sql, tables)["monitor"].to_pylist()[0] == "orders"


def test_the_lines_of_a_mute_are_those_that_are_shown():
    assert blocks("yaml") == [mute_lines(Mute("amount", "2024-02-01", "ana", "new tills")) + "\n"]


def test_the_options_are_those_of_the_command(capsys):
    with pytest.raises(SystemExit):
        main(["dashboard", "--help"])
    known = capsys.readouterr().out
    for option in {*re.findall(r"(--[a-z]+)", TEXT)}:
        assert option in known
