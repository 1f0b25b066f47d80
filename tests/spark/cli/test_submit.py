"""The job under spark-submit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from job_sample import assert_job_checks_first

pytestmark = pytest.mark.spark


def test_the_job_takes_the_options_of_run_and_checks_the_configuration_first():
    submit = str(Path(sys.executable).with_name("spark-submit"))
    assert_job_checks_first([submit, "--master", "local[1]"])
