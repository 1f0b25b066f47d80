"""What a page says of a failed last run, beside the results of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kldrift.errors import masked
from kldrift.reporting.figures import moment, shown


def why_it_failed(last: Mapping[str, Any] | None, told: str | None, zone: str) -> str:
    """Why the last run failed; empty if it did not."""
    if last is None or not last.get("error"):
        return ""
    when = moment(last["finished_at"], zone)
    text = f"{when}, exit code {last['exit_code']}: {masked(str(last['error']))}"
    other = told is not None and last["run_id"] != told
    return shown(text, 600) + ("; what follows is of an earlier run" if other else "")
