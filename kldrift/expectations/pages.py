"""Data Docs pages that put the worst first and ask no network for anything.

GX's own pages load style, icons, scripts and a logo from seven hosts, and their index is blank
without them. These have one template and the style of the site's own style folder. All classes
are named in ``great_expectations.yml``; whoever wants GX's pages names GX's classes there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Any, Final

from jinja2 import ChoiceLoader, PackageLoader

from kldrift.expectations.gx import (
    DefaultJinjaPageView,
    DefaultSiteIndexBuilder,
    RenderedTableContent,
    RenderedTabsContent,
    SiteIndexPageRenderer,
    ValidationResultsPageRenderer,
    resource_key_passes_run_name_filter,
)
from kldrift.expectations.rendering import LEVELS_PARAMETER, is_drift, text_content
from kldrift.expectations.results import badness
from kldrift.expectations.wording import marked
from kldrift.reporting.figures import moment, window_name, window_of_row

STYLE: Final = files("kldrift.expectations").joinpath("templates/data_docs.css").read_text()
REPORT: Final = "kldrift_report"
"""What a suite says of the address of its monitor's report, among its ``meta``."""
ZONE: Final = "kldrift_zone"
"""What a suite says of the zone of its monitor's times, among its ``meta``."""


class OfflinePageView(DefaultJinjaPageView):  # type: ignore[misc]  # GX is untyped
    """HTML from kldrift's template of the page, and GX's templates of what stands on it."""

    def __init__(
        self, custom_styles_directory: Any = None, custom_views_directory: Any = None
    ) -> None:
        """Put the template of this package before GX's, which hands over what is named here."""
        super().__init__(custom_styles_directory, custom_views_directory)
        own = PackageLoader("kldrift.expectations")
        self.env.loader = ChoiceLoader([own, self.env.loader])


class WorstFirstPageRenderer(ValidationResultsPageRenderer):  # type: ignore[misc]  # untyped
    """The page of one run: one row for each feature, what failed first, the worst at the top."""

    def render(self, validation_results: Any, suite_parameters: Any = None) -> Any:
        """Render a copy of the results in another order; the stored ones keep theirs."""
        ordered = copy.copy(validation_results)
        by_badness = sorted(validation_results.results, key=badness, reverse=True)
        ordered.results = list(_one_each(by_badness))
        page = super().render(ordered, suite_parameters)
        meta = suite_meta(self._data_context, validation_results.suite_name)
        blocks = page.sections[0].content_blocks
        if address := meta.get(REPORT):
            blocks.insert(1, _link("Report: distributions, history, reasons", address))
        results = (result.to_json_dict() for result in validation_results.results)
        if window := window_or_time(results, meta.get(ZONE, "UTC")):
            blocks.insert(1, text_content("As of $window", {"window": window}))
        return page


def _one_each(results: Sequence[Any]) -> Iterator[Any]:
    """The worst result of each feature and segment, with all that the feature is held to."""
    groups: dict[Any, list[Any]] = {}
    for number, result in enumerate(results):
        kwargs = result.expectation_config.kwargs
        drift = is_drift(result)
        key = (kwargs["feature"], kwargs.get("segment")) if drift else number
        groups.setdefault(key, []).append(result)
    for group in groups.values():
        first = copy.copy(group[0])
        if is_drift(first):
            config = first.expectation_config = copy.copy(first.expectation_config)
            config.meta = {**(config.meta or {}), LEVELS_PARAMETER: group}
        yield first


class DatedIndexBuilder(DefaultSiteIndexBuilder):  # type: ignore[misc]  # GX is untyped
    """The index of the site, which says what time each run is for, and links its report."""

    def _add_validations_to_index_links(self, index: Any, keys: Iterable[Any]) -> None:
        """Called by GX once for all results that have a page."""
        section = self.site_section_builders_config.get("validations")
        if not isinstance(section, dict):  # switched off
            return
        store, names = self.data_context.validation_results_store, section["run_name_filter"]
        listed = [key for key in keys if resource_key_passes_run_name_filter(key, names)]
        listed.sort(key=lambda key: key.run_id.run_time, reverse=True)
        for key in listed[: self.validation_results_limit or None]:
            run = store.run_of(key)
            if run is None:
                continue
            suite = key.expectation_suite_identifier.name
            self.add_resource_info_to_index_links_dict(
                index_links_dict=index,
                expectation_suite_name=suite,
                section_name="validations",
                batch_identifier=key.batch_identifier,
                run_id=key.run_id,
                validation_success=run["success"],
                run_time=key.run_id.run_time,
                run_name=key.run_id.run_name,
            )
            meta = suite_meta(self.data_context, suite)
            link = index["validations_links"][-1]
            link["as_of"] = window_or_time(run["results"], meta.get(ZONE, "UTC"))
            link["zone"] = meta.get(ZONE, "UTC")
            link["report"] = meta.get(REPORT)


def suite_meta(context: Any, suite: str) -> dict[str, Any]:
    """What a suite says of its monitor, among its ``meta``; empty if there is no such suite."""
    store = context.expectations_store
    key = store.get_key(name=suite, id=None)
    return dict(store.get(key).get("meta") or {}) if store.has_key(key) else {}


def window_or_time(results: Iterable[dict[str, Any]], zone: str) -> str:
    """The window of a run, or the time that it was for; empty where its results know none."""
    found = ((result.get("result") or {}).get("details") or {} for result in results)
    window = window_of_row(next((d for d in found if d.get("window_end")), {}))
    if window.end is None:
        return ""
    name = moment(window.end, zone) if window.start is None else window_name(window, zone)
    return f"{name} ({zone})"


class PlainIndexRenderer(SiteIndexPageRenderer):  # type: ignore[misc]  # GX is untyped
    """The index of the site: its tables, written as HTML, below each other."""

    @classmethod
    def render(cls, index_links_dict: Any) -> Any:
        """Called by GX for the index; its tabs need a script, and are none for a screen reader."""
        page = super().render(index_links_dict)
        for section in page.sections if page is not None else ():
            tabs = (b for b in section.content_blocks if isinstance(b, RenderedTabsContent))
            section.content_blocks = [tab["tab_content"] for block in tabs for tab in block.tabs]
        return page

    @classmethod
    def _generate_validation_results_link_table(cls, index_links_dict: Any) -> Any:
        links = index_links_dict.get("validations_links", [])
        return _table(
            ["Status", "As of", "Run time", "Run name", "Expectation suite", "Report"],
            [
                [
                    marked("passed" if link["validation_success"] else "failed", text_content),
                    link.get("as_of") or "",
                    f"{moment(link['run_time'], link['zone'])} ({link['zone']})",
                    _link(link["run_name"], link["filepath"]),
                    _link(link["expectation_suite_name"], link["expectation_suite_filepath"]),
                    _link("report", link["report"]) if link.get("report") else "",
                ]
                for link in links
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
        styling={"classes": ["col-12"], "body": {"classes": ["table", "table-sm"]}},
    )


def _link(text: str, target: str) -> Any:
    styling = {"attributes": {"href": target}}
    return text_content("$text", {"text": text}, tag="a", styling=styling)
