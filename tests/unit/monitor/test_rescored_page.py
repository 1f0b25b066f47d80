"""A page of stored windows follows what they are scored by."""

from __future__ import annotations

from daily_sample import config_of, run_days

import kldrift


def test_the_page_that_a_configuration_asks_for_is_written_anew(tmp_path):
    page = tmp_path / "report.html"
    config = config_of(tmp_path / "drift", report={"path": str(page)})
    run_days(config, range(3))
    assert not page.exists()  # a run writes it, and these were days alone
    found = kldrift.rescore(config)
    assert found.results[-1].page == str(page)
    assert "daily" in page.read_text()  # the monitor
    nowhere = config_of(tmp_path / "drift", report={"path": str(page / "report.html")})
    found = kldrift.rescore(nowhere)
    assert any("the page could not be written" in note for note in found.notes)
