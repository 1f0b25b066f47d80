"""Data Docs pages that put the worst first, and that can be read without the internet.

GX's pages load Bootstrap, icons and scripts from five CDNs. Without them its index is blank,
because its tables exist only as script data; here they are HTML tables, which the same scripts
turn into sortable ones where they can be loaded. Both classes are named in
``great_expectations.yml``; if GX renames what they override, its own pages come back.
"""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any, Final

from kldrift.expectations.gx import (
    RenderedStringTemplateContent,
    RenderedTableContent,
    SiteIndexPageRenderer,
    ValidationResultsPageRenderer,
)
from kldrift.expectations.results import badness

STYLE: Final = """
/* kldrift: legible without the CDNs that the rest of this page's style comes from */
body { font-family: system-ui, sans-serif; }
td, th { padding: 0.3rem 0.6rem; vertical-align: top; text-align: left; }
table { border-collapse: collapse; }
tr { border-bottom: 1px solid #d0d0d0; }
.text-danger { color: #b02a37; }
"""


class WorstFirstPageRenderer(ValidationResultsPageRenderer):  # type: ignore[misc]  # untyped
    """The page of one run: what failed stands above what passed, the worst at the top."""

    def render(self, validation_results: Any, suite_parameters: Any = None) -> Any:
        """Render a copy of the results in another order; the stored ones keep theirs."""
        ordered = copy.copy(validation_results)
        ordered.results = sorted(validation_results.results, key=badness, reverse=True)
        return super().render(ordered, suite_parameters)


class PlainIndexRenderer(SiteIndexPageRenderer):  # type: ignore[misc]  # GX is untyped
    """The index of the site, its tables written as HTML."""

    @classmethod
    def _generate_validation_results_link_table(cls, index_links_dict: Any) -> Any:
        return _table(
            ["Status", "Run time", "Run name", "Expectation suite"],
            [
                [
                    "passed" if link["validation_success"] else "failed",
                    _utc(link["run_time"]),
                    _link(link["run_name"], link["filepath"]),
                    _link(link["expectation_suite_name"], link["expectation_suite_filepath"]),
                ]
                for link in index_links_dict.get("validations_links", [])
            ],
        )

    @classmethod
    def _generate_expectation_suites_link_table(cls, index_links_dict: Any) -> Any:
        links = index_links_dict.get("expectations_links", [])
        return _table(
            ["Expectation suite"],
            [[_link(link["expectation_suite_name"], link["filepath"])] for link in links],
        )


def _table(header: list[str], rows: list[list[Any]]) -> Any:
    return RenderedTableContent(
        table=rows,
        header_row=header,
        header_row_options={name: {"sortable": True} for name in header},
        table_options={"search": True, "icon-size": "sm"},
        styling={"classes": ["col-12"], "body": {"classes": ["table", "table-sm"]}},
    )


def _link(text: str, target: str) -> Any:
    return RenderedStringTemplateContent(
        content_block_type="string_template",
        string_template={
            "template": "$text",
            "params": {"text": text},
            "tag": "a",
            "styling": {"attributes": {"href": target}},
        },
    )


def _utc(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
