"""What a run writes, reads and builds in a Great Expectations folder, and how often."""

from __future__ import annotations

import datetime as dt
import json
import logging

import pytest
from expectations_tables import RUN_TIME, case_rows, publish_rows, row

from kldrift.expectations import ValidationResultsStore, gx
from kldrift.expectations.folder import open_project


def publish_runs(folder, count):
    for number in range(count):
        time = RUN_TIME + dt.timedelta(hours=number)
        publish_rows(folder, [row("fare")], run_id=f"run-{number}", run_time=time)


def index_of(folder):
    return (folder / "gx/uncommitted/data_docs/local_site/index.html").read_text()


def test_results_are_written_as_gx_writes_them(tmp_path):
    checkpoint_result = publish_rows(tmp_path, case_rows()).checkpoint_result
    (fresh,) = checkpoint_result.run_results.values()
    with open_project(tmp_path / "gx") as context:
        store = context.validation_results_store
        assert type(store) is ValidationResultsStore
        (key,) = store.list_keys()
        for value in (fresh, store.get(key)):
            assert store.serialize(value) == gx.ValidationResultsStore.serialize(store, value)


def test_the_first_run_of_a_folder_has_the_stores_that_the_folder_names(tmp_path, monkeypatch):
    monkeypatch.setattr(gx.ValidationResultsStore, "serialize", pytest.fail)
    publish_runs(tmp_path, 1)


def test_the_index_reads_no_result_as_gx_does(tmp_path, monkeypatch):
    read = []
    get = gx.ValidationResultsStore.get
    monkeypatch.setattr(
        gx.ValidationResultsStore, "get", lambda store, key: read.append(key) or get(store, key)
    )
    publish_runs(tmp_path, 3)
    assert len(read) == len(set(read)) == 3  # for its page, each once
    assert all(f"run-{number}" in index_of(tmp_path) for number in range(3))


def test_results_that_cannot_be_read_are_not_on_the_index(tmp_path, caplog):
    publish_runs(tmp_path, 2)
    (old,) = (tmp_path / "gx/uncommitted/validations").rglob("run-0/**/*.json")
    old.write_text(old.read_text()[:100])
    with caplog.at_level(logging.WARNING):
        publish_rows(tmp_path, [row("fare")], run_id="next")
    assert "run run-0 cannot be read" in caplog.text
    page = index_of(tmp_path)
    assert "run-1" in page
    assert "next" in page
    assert "run-0" not in page


def test_an_index_whose_results_are_switched_off_lists_none(tmp_path):
    publish_runs(tmp_path, 1)
    with open_project(tmp_path / "gx") as context:
        sites = context.variables.data_docs_sites
        sites["local_site"]["site_section_builders"]["validations"] = "none"
        context.variables.data_docs_sites = sites
        context.variables.save()
    publish_rows(tmp_path, [row("fare")], run_id="next")
    assert "next" not in index_of(tmp_path)


def test_a_suite_is_checked_once_for_each_text_and_left_as_it_is(tmp_path, monkeypatch):
    publish_runs(tmp_path, 1)
    (file,) = (tmp_path / "gx/expectations").rglob("*.json")
    before, read = file.read_text(), []
    schema = gx.great_expectations.core.expectation_suite.ExpectationSuiteSchema
    loads = schema.loads
    monkeypatch.setattr(schema, "loads", lambda self, text: read.append(text) or loads(self, text))
    publish_rows(tmp_path, [row("fare")], run_id="again")
    assert read == [before]
    assert file.read_text() == before
    thresholds = {"fare": {"kl": (0.2, 0.3)}}
    publish_rows(tmp_path, [row("fare")], run_id="other-limits", thresholds=thresholds)
    limits = [e["kwargs"]["threshold"] for e in json.loads(file.read_text())["expectations"]]
    assert sorted(limits) == [0.2, 0.3]
    assert read == [before, before, file.read_text()]
