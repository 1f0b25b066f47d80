"""A checkpoint action: the features that drifted, worst first, in the log and to a webhook.

It is also a safety catch. GX drops expectations of a type that it does not know when it loads a
suite, and the checkpoint then passes with nothing evaluated; but it refuses to load a checkpoint
that names an unknown action type. A checkpoint with this action cannot pass like that.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from typing import Any, Literal

from kldrift.expectations.expectation import ExpectFeatureDriftToBeLessThan
from kldrift.expectations.gx import ConfigStr, FailureSeverity, ValidationAction, pydantic
from kldrift.expectations.pages import ZONE, suite_meta, window_or_time
from kldrift.expectations.results import details_of, each_feature, raised, severity_of
from kldrift.reporting.figures import feature_words, instant_name
from kldrift.reporting.row_words import happened, surety_words

log = logging.getLogger(__name__)
NAMED = 3
"""Features in the sentence."""


class DriftSummaryAction(ValidationAction):  # type: ignore[misc]  # GX is untyped
    """List the features whose drift expectations failed, worst first; post the list if any did.

    The post is JSON and carries a sentence under ``text``, which is what Slack, Mattermost, Teams
    and Google Chat show. A webhook that fails is a warning in the log: it does not stop the run.

    Args:
        webhook: ``http(s)`` address; ``${NAME}`` is taken from the environment or GX's variables.
        min_severity: the lowest severity that is listed. GX's own ``notify_on`` matches the
            highest severity exactly, so ``warning`` keeps silent when something is critical.
        top: how many are listed.
        timeout: seconds to wait for the webhook; GX's own actions wait for ever.
    """

    type: Literal["kldrift_summary"] = "kldrift_summary"
    webhook: ConfigStr | str | None = None
    min_severity: FailureSeverity = FailureSeverity.WARNING
    top: int = pydantic.Field(default=20, ge=1)
    timeout: float = pydantic.Field(default=10.0, gt=0)

    class Config:
        """What GX needs to store the severity as a word."""

        json_encoders = {  # noqa: RUF012  # pydantic reads the class attribute
            **ValidationAction.Config.json_encoders,
            FailureSeverity: lambda severity: severity.value,
        }

    def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """Called by GX after the results are stored; returns what was, or would be, posted."""
        results = drift_results(checkpoint_result)
        failed = [
            result
            for result in results
            if not result.success and severity_of(result.expectation_config) >= self.min_severity
        ]
        listed = [_failure(result) for result in each_feature(failed)]
        text = f"{len(failed)} of {len(results)} drift expectations failed"
        zone = self._zone(checkpoint_result)
        window = window_or_time((result.to_json_dict() for result in results[:1]), zone)
        text = ", ".join(filter(None, (checkpoint_result.name, window))) + f": {text}"
        if listed:
            text += "; worst: " + "; ".join(_words(f, zone) for f in listed[:NAMED])
            log.info("%s", text)
        summary: dict[str, Any] = {
            "text": text,
            "checkpoint": checkpoint_result.name,
            "run_name": checkpoint_result.run_id.run_name,
            "evaluated": len(results),
            "failed": len(failed),
            "worst": listed[: self.top],
        }
        if self.webhook is None or not listed:
            return summary | {"posted": False}
        return summary | {"posted": self._post(summary)}

    def _zone(self, checkpoint_result: Any) -> str:
        """The zone of the monitor, in which times are written."""
        context = self._resolve_context().context
        names = (suite.suite_name for suite in checkpoint_result.run_results.values())
        zones = (suite_meta(context, name).get(ZONE) for name in names)
        return next(filter(None, zones), "UTC")

    def _post(self, summary: dict[str, Any]) -> bool:
        provider = self._resolve_context().context.config_provider
        url = str(self._substitute_config_str_if_needed(self.webhook, provider))
        try:
            _post_json(url, summary, self.timeout)
        except (OSError, ValueError) as error:
            # the address is often a secret, and the text of an error may hold it
            log.warning("the drift webhook failed: %s", type(error).__name__)
            return False
        return True


def drift_results(checkpoint_result: Any) -> list[Any]:
    """The results of all drift expectations of a checkpoint run, in the order of the suites."""
    kind = ExpectFeatureDriftToBeLessThan.expectation_type
    return [
        result
        for suite_result in checkpoint_result.run_results.values()
        for result in suite_result.results
        if result.expectation_config.type == kind
    ]


def _failure(result: Any) -> dict[str, Any]:
    config, details = result.expectation_config, details_of(result)
    kwargs = config.kwargs
    return {
        "feature": kwargs["feature"],
        "segment": kwargs.get("segment"),
        "metric": kwargs["metric"],
        "severity": severity_of(config).value,
        "threshold": details.get("threshold"),
        "score": details.get("score"),
        "outcome": "error" if raised(result) else details.get("outcome"),
        "because": details.get("because"),
        "reason": details.get("reason"),
        "alert_since": details.get("alert_since"),
        "sure": surety_words({**kwargs, **details, "severity": severity_of(config).value})
        if details.get("outcome") == "drift"
        else "",
    }


def _words(failure: dict[str, Any], zone: str) -> str:
    segment = "" if failure["segment"] is None else f" in {failure['segment']}"
    severity = "unscored" if failure["outcome"] == "unscored" else failure["severity"]
    what = happened(failure["reason"] or failure["because"] or "")
    since = failure["alert_since"] and f"since {instant_name(failure['alert_since'], zone)}"
    about = ", ".join(filter(None, (since, failure["sure"])))
    about = f" ({about})" if about else ""
    return f"{feature_words(failure['feature'])}{segment}, {severity}{about}: {what}"


def _post_json(url: str, payload: dict[str, Any], timeout: float) -> None:
    if not url.startswith(("http://", "https://")):
        raise ValueError("expected an http(s) address")
    request = urllib.request.Request(
        url,
        data=json.dumps(payload, allow_nan=False).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=timeout):
        pass
