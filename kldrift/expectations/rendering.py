"""How Data Docs, and ``result.render()``, show a drift expectation.

GX finds these methods by their decorator, and escapes every parameter of a template; so all text
that comes from data is a parameter. A status is a sign and a word in place of GX's icon, a glyph
of a web font. GX hands the configuration alone to what describes an expectation, so the other
results of a feature ride on it.
"""

from __future__ import annotations

from typing import Any, Final

from kldrift.errors import escaped
from kldrift.expectations import wording
from kldrift.expectations.gx import (
    AtomicDiagnosticRendererType,
    LegacyDiagnosticRendererType,
    LegacyRendererType,
    RenderedAtomicContent,
    RenderedStringTemplateContent,
    RendererConfiguration,
    RendererValueType,
    render_suite_parameter_string,
    renderedAtomicValueSchema,
    renderer,
)
from kldrift.expectations.results import details_of, raised, severity_of
from kldrift.reporting.figures import metric_words
from kldrift.scoring.metrics import LEARNED

_PARAMS = {
    "feature": RendererValueType.STRING,
    "segment": RendererValueType.STRING,
    "metric": RendererValueType.STRING,
    "threshold": RendererValueType.NUMBER,
    "alpha": RendererValueType.NUMBER,
}


TYPE: Final = "expect_feature_drift_to_be_less_than"
LEVELS_PARAMETER: Final = "kldrift_levels"
"""Where the configuration of a row keeps all results of its feature, among its ``meta``."""


class DriftRenderers:
    """The renderers of a drift expectation; a part of its class, for GX looks for them there."""

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)  # type: ignore[untyped-decorator]
    @render_suite_parameter_string  # type: ignore[untyped-decorator]
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[Any]:
        config = configuration or result.expectation_config
        styling = dict((runtime_configuration or {}).get("styling") or {})
        feature = {"classes": ["badge", "badge-primary"], "tag": "strong"}
        styling["params"] = {**styling.get("params", {}), "feature": feature}
        subject = wording.subject_template(with_segment="segment" in config.kwargs)
        named = (n for n in ("feature", "segment") if n in config.kwargs)
        params = {n: "\n".join(map(escaped, str(config.kwargs[n]).split("\n"))) for n in named}
        levels = (config.meta or {}).get(LEVELS_PARAMETER)
        lines = [_level(c, "") for c in [config]] if levels is None else list(map(_outcome, levels))
        lines.sort(key=lambda line: (line[1]["metric"], line[1]["threshold"]))
        for number, (template, values) in enumerate(lines):
            subject += (" " if len(lines) == 1 else "\n") + template.replace("%", str(number))
            params |= {f"{name}{number}": value for name, value in values.items()}
        return [text_content(subject, params, styling=styling)]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.OBSERVED_VALUE)  # type: ignore[untyped-decorator]
    def _diagnostic_observed_value_renderer(cls, result: Any = None, **_: Any) -> Any:
        details = details_of(result)
        if not details:
            return "--"
        params = {f"line{i}": line for i, line in enumerate(wording.observed(details))}
        return text_content("\n".join(f"${name}" for name in params), params)

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.STATUS_ICON)  # type: ignore[untyped-decorator]
    def _diagnostic_status_icon_renderer(cls, result: Any = None, **_: Any) -> Any:
        word = wording.status(
            success=bool(result.success),
            raised=raised(result),
            severity=severity_of(result.expectation_config).value,
            details=details_of(result),
        )
        return wording.marked(word, text_content)

    @classmethod
    def _prescriptive_template(cls, renderer_configuration: Any) -> Any:
        for name, kind in _PARAMS.items():
            renderer_configuration.add_param(name=name, param_type=kind)
        with_segment = renderer_configuration.kwargs.get("segment") is not None
        renderer_configuration.template_str = wording.expected_template(with_segment=with_segment)
        return renderer_configuration

    @classmethod
    @renderer(renderer_type=AtomicDiagnosticRendererType.OBSERVED_VALUE)  # type: ignore[untyped-decorator]
    def _atomic_diagnostic_observed_value(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> Any:
        config = RendererConfiguration(
            configuration=configuration, result=result, runtime_configuration=runtime_configuration
        )
        text = str(details_of(result).get("because", "--"))
        config.add_param(name="observed_value", param_type=RendererValueType.STRING, value=text)
        value = {
            "template": "$observed_value",
            "params": config.params.dict(),
            "schema": {"type": "com.superconductive.rendered.string"},
        }
        return RenderedAtomicContent(
            name=AtomicDiagnosticRendererType.OBSERVED_VALUE,
            value_type="StringValueType",
            value=renderedAtomicValueSchema.load(value),
        )


def is_drift(result: Any) -> bool:
    """Whether a result is of a drift expectation."""
    return bool(result.expectation_config.type == TYPE)


def _outcome(result: Any) -> tuple[str, dict[str, Any]]:
    """A threshold of a feature, and whether it passed."""
    details = details_of(result)
    outcome = "error" if raised(result) else "held" if result.success else "failed"
    return _level(
        result.expectation_config, "unscored" if details.get("outcome") == "unscored" else outcome
    )


def _level(config: Any, outcome: str) -> tuple[str, dict[str, Any]]:
    values = {name: config.kwargs[name] for name in ("metric", "threshold", "alpha")}
    template = wording.LEVEL
    if values["metric"] == LEARNED:
        template = wording.LEARNED_LEVEL
        digits = float(f"{values['threshold']:.3g}")  # nobody stated them
        values = {"metric": metric_words(LEARNED), "threshold": digits}
    values["severity"] = severity_of(config).value
    return template + (f", {outcome}" if outcome else ""), values


def text_content(template: str, params: dict[str, Any], **rest: Any) -> Any:
    """A text of GX with parameters that are written as ``$name``."""
    return RenderedStringTemplateContent(
        content_block_type="string_template",
        string_template={"template": template, "params": params, **rest},
    )
