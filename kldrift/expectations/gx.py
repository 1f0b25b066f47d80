"""Imports great-expectations in one place, without its effects on the whole process.

Importing GX 1.24 emits two DeprecationWarnings (``sre_constants``, ``sre_parse``), which stop a
process that runs with ``-W error``, and calls ``logging.captureWarnings(True)`` in five modules:
with unconfigured logging every later Python warning of the process would vanish. Both are undone
here. It also imports Spark Connect where it can; Spark 4.3 without grpc ends the process there,
with 0 and without a word, if that was started by ``python -c`` or reads its program: without grpc
it is told that there is no Spark Connect. The import takes seconds and 130 MiB, which is why
nothing that a Spark worker loads may import this package.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from importlib.util import find_spec

from kldrift.expectations.whole_files import open_whole

# A no-op since analytics left GX, kept for the older 1.x that still has it.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

_CONNECT = "pyspark.sql.connect"
_halted = find_spec("grpc") is None and _CONNECT not in sys.modules
if _halted:
    sys.modules[_CONNECT] = None  # type: ignore[assignment]  # importing it is an ImportError

_showwarning = warnings.showwarning
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import great_expectations
    from great_expectations.checkpoint import UpdateDataDocsAction
    from great_expectations.checkpoint.actions import ValidationAction
    from great_expectations.compatibility import pydantic
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.core.suite_parameters import SuiteParameterDict
    from great_expectations.data_context import project_manager
    from great_expectations.data_context.data_context import file_data_context
    from great_expectations.data_context.store import (
        ValidationResultsStore,
        inline_store_backend,
        tuple_store_backend,
    )
    from great_expectations.datasource.fluent.config_str import ConfigStr
    from great_expectations.exceptions import DataContextRequiredError, ExpectationNotFoundError
    from great_expectations.expectations.expectation import (
        BatchExpectation,
        render_suite_parameter_string,
    )
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.render import (
        AtomicDiagnosticRendererType,
        LegacyDiagnosticRendererType,
        LegacyRendererType,
        RenderedAtomicContent,
        RenderedStringTemplateContent,
        RenderedTableContent,
        RenderedTabsContent,
        renderedAtomicValueSchema,
    )
    from great_expectations.render.renderer import (
        SiteIndexPageRenderer,
        ValidationResultsPageRenderer,
    )
    from great_expectations.render.renderer.renderer import renderer
    from great_expectations.render.renderer.site_builder import (
        DefaultSiteIndexBuilder,
        resource_key_passes_run_name_filter,
    )
    from great_expectations.render.renderer_configuration import (
        RendererConfiguration,
        RendererValueType,
    )
    from great_expectations.render.view import DefaultJinjaPageView
    from great_expectations.util import convert_to_json_serializable
    from great_expectations.validator.metric_configuration import MetricConfiguration

    for module in (file_data_context, inline_store_backend, tuple_store_backend):
        module.open = open_whole

    if warnings.showwarning is not _showwarning:  # GX captured what was not captured before
        logging.captureWarnings(False)

if _halted:
    del sys.modules[_CONNECT]
