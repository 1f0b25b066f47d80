"""A native Great Expectations expectation over the drift table.

Importing this module is the registration: GX's metaclass files the class under
``expect_feature_drift_to_be_less_than``. All expectations of a suite ask for one and the same
built-in metric (``table.head``, all rows), so the table is read once, whatever their number.

No text that comes from data stands in an exception: Data Docs prints tracebacks unescaped.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar, Final

import pandas as pd

from kldrift.expectations.evidence import judge_row
from kldrift.expectations.gx import (
    BatchExpectation,
    MetricConfiguration,
    SuiteParameterDict,
    pydantic,
)
from kldrift.expectations.rendering import DriftRenderers

_TABLE: Final = "table.head"


class ExpectFeatureDriftToBeLessThan(DriftRenderers, BatchExpectation):  # type: ignore[misc]  # untyped
    """Expect the drift of a feature to be at most a threshold, or no more than chance.

    Fails when the score is above ``threshold`` and the q-value that this is no chance is below
    ``alpha``, and when there is no score: it never passes silently. The batch is the drift table
    of one monitor and window.

    Args:
        feature: the feature, as the drift table names it.
        segment: its segment, or None for the whole dataset.
        metric: the column of the drift table that holds the score, such as ``kl``.
        threshold: the largest score that passes whatever the evidence.
        alpha: a larger score fails only when ``q_value`` is below this; with the severity
            ``critical``, when ``q_critical`` is.
        severity: ``warning`` or ``critical``.
    """

    # `feature`, not `column`: Data Docs makes one section per distinct `column`. And `metric`,
    # `threshold` and `alpha` have no default, because GX leaves defaults out of its results.
    feature: pydantic.StrictStr = pydantic.Field(description="Feature in the drift table.")
    segment: pydantic.StrictStr | None = pydantic.Field(default=None, description="Its segment.")
    metric: pydantic.StrictStr = pydantic.Field(description="Column that holds the score.")
    threshold: float | SuiteParameterDict = pydantic.Field(description="Largest passing score.")
    alpha: float | SuiteParameterDict = pydantic.Field(description="Bound of q of a failure.")

    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("feature", "segment", "metric", "threshold", "alpha")
    args_keys: ClassVar[tuple[str, ...]] = success_keys
    library_metadata: ClassVar[dict[str, Any]] = {"tags": ["drift"], "contributors": ["kldrift"]}

    class Config:
        """How GX titles the class."""

        title = "Expect feature drift to be less than"

    @pydantic.validator("threshold", "alpha")  # type: ignore[untyped-decorator]
    def _is_finite(cls, value: Any) -> Any:  # noqa: N805  # pydantic makes it a class method
        if isinstance(value, float) and not math.isfinite(value):
            message = f"expected a finite number, got {value!r}"
            raise ValueError(message)
        return value

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: Any = None
    ) -> Any:
        """Ask GX for all rows of the table, under one metric id for the whole suite."""
        needed = super().get_validation_dependencies(execution_engine, runtime_configuration)
        domain = {k: v for k, v in self._get_domain_kwargs().items() if v is not None}
        rows = MetricConfiguration(
            _TABLE,
            metric_domain_kwargs=domain,
            metric_value_kwargs={"n_rows": None, "fetch_all": True},
        )
        needed.set_metric_configuration(_TABLE, rows)
        return needed

    # GX builds a configuration of the whole expectation for each key that it looks up.
    def _get_domain_kwargs(self) -> dict[str, Any]:
        return {"batch_id": self.batch_id}

    def _get_success_kwargs(self) -> dict[str, Any]:
        return self._get_domain_kwargs() | {key: getattr(self, key) for key in self.success_keys}

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        rows = _ROWS.of(metrics[_TABLE]).get((self.feature, self.segment), [])
        if len(rows) != 1:
            message = f"the drift table has {len(rows)} rows of this feature, 1 is expected"
            raise ValueError(message)
        judged = judge_row(
            rows[0],
            metric=self.metric,
            threshold=self.threshold,
            alpha=self.alpha,
            severity=str(getattr(self.severity, "value", self.severity)),
        )
        return {
            "success": judged.passes,
            "result": {"observed_value": judged.score, "details": dict(judged.details)},
        }


_BySubject = dict[tuple[str, str | None], list[dict[Hashable, Any]]]


class _Rows:
    """The rows of the latest table by feature and segment: all of a suite ask the same table."""

    def __init__(self) -> None:
        # One attribute: a thread sees a table and its rows, never those of another.
        self._latest: tuple[Callable[[], Any], _BySubject] = (lambda: None, {})

    def of(self, table: pd.DataFrame) -> Mapping[tuple[str, str | None], list[Any]]:
        """The rows of a table, by feature and segment."""
        known, rows = self._latest
        if known() is not table:
            rows = {}
            for row in table.to_dict("records"):
                segment = None if pd.isna(row["segment"]) else row["segment"]
                rows.setdefault((row["feature"], segment), []).append(row)
            self._latest = weakref.ref(table), rows
        return rows


_ROWS: Final = _Rows()
