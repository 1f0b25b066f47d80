"""A Great Expectations folder: opened as GX does, set up once, used by one run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final
from urllib.parse import unquote

from kldrift.errors import OutputError
from kldrift.expectations.gx import (
    DataContextRequiredError,
    ValidationResultsStore,
    great_expectations,
    project_manager,
)
from kldrift.expectations.pages import (
    STYLE,
    DatedIndexBuilder,
    OfflinePageView,
    PlainIndexRenderer,
    WorstFirstPageRenderer,
)
from kldrift.expectations.stores import read_once
from kldrift.expectations.whole_files import NEW, PROJECT, VARIABLES, written_whole

PACKAGE: Final = "kldrift.expectations"
SITE: Final = "local_site"
# The index page reads every result that it lists, so its cost would grow with every run.
RUNS_ON_THE_INDEX: Final = 30
_STYLES: Final = Path("plugins/custom_data_docs/styles/data_docs_custom_styles.css")


@contextlib.contextmanager
def exclusive(root: Path, *, seconds: float) -> Iterator[None]:
    """Hold the folder for this run: GX has no lock of its own, and two runs would mix files.

    The lock is the operating system's (``flock``), so a killed run leaves no stale lock behind.

    Raises:
        OutputError: if another run held the folder for longer than ``seconds``.
    """
    root.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with (root / ".kldrift.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise OutputError(
                        f"{root}: another run was still writing its expectations after "
                        f"{seconds:g} s; let runs that share this folder follow one another, "
                        f"or give each an expectations.path of its own"
                    ) from None
            time.sleep(0.05)
        yield


@contextlib.contextmanager
def open_project(root: Path) -> Iterator[Any]:
    """The file context under ``root``, made if need be.

    A caller who has a GX context open keeps it as GX's current one, which opening another would
    replace for the whole process.
    """
    previous = _current()
    try:
        with written_whole(root):
            if not all((root / file).exists() for file in (PROJECT, VARIABLES)):
                _make(root)
            context = _opened(root)
            store_name = context.validation_results_store_name
            if context.variables.stores[store_name].get("module_name") != PACKAGE:
                _set_up(context, store_name)
                context = _opened(root)  # with the stores that the folder names now
            read_once(context.expectations_store)
            yield context
    finally:
        if previous is not None:
            project_manager.set_project(previous)


def _opened(root: Path) -> Any:
    return great_expectations.get_context(mode="file", context_root_dir=str(root))


def _make(root: Path) -> None:
    """Complete a folder from files made elsewhere first; the file that identifies it comes last."""
    made = mkdtemp(dir=root, prefix=NEW)
    try:
        new = Path(made)
        great_expectations.get_context(mode="file", context_root_dir=made)
        (new / _STYLES).write_text(STYLE)
        files = (p for p in new.rglob("*") if p.is_file())
        for file in sorted(files, key=lambda p: (p.name == PROJECT, p)):
            target = root / file.relative_to(new)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                file.replace(target)
    finally:  # Python's own folders for a while are deleted without end where that is not allowed
        shutil.rmtree(made, ignore_errors=True)


def docs_index(context: Any) -> Path | None:
    """The index page of the site on this machine's disk, if there is one."""
    for site in context.get_docs_sites_urls():
        url = str(site["site_url"] or "")
        if url.startswith("file://"):
            return Path(unquote(url.removeprefix("file://")))
    return None


def _current() -> Any:
    try:
        return project_manager.get_current_project()
    except DataContextRequiredError:
        return None


def _set_up(context: Any, store_name: str) -> None:
    """Let the folder bring kldrift's classes along, and make its site quick and legible.

    GX loads no plug-ins, and drops expectations that it does not know when it reads a suite: the
    checkpoint then passes with nothing evaluated. But it imports the module that a store's class
    comes from. Naming this package there registers the expectation in every process that opens
    the folder, and where kldrift is not installed opening it fails, instead of passing.
    """
    variables = context.variables
    stores, sites = variables.stores, variables.data_docs_sites  # the getters return copies
    store = stores[store_name]
    if store["class_name"] != ValidationResultsStore.__name__ or "module_name" in store:
        raise OutputError(
            f"{context.root_directory}: kldrift cannot share a folder whose store {store_name!r} "
            f"is a {store['class_name']} of its own; give expectations.path a folder of its own"
        )
    store["module_name"] = PACKAGE
    variables.stores = stores
    if SITE in (sites or {}):
        site = sites[SITE]
        site["show_how_to_buttons"] = False
        view = {"view": _class_config(OfflinePageView)}
        index = {
            "validation_results_limit": RUNS_ON_THE_INDEX,
            "renderer": _class_config(PlainIndexRenderer),
        }
        site["site_index_builder"] = _class_config(DatedIndexBuilder) | index | view
        results = _class_config(WorstFirstPageRenderer) | {"run_info_at_end": True}
        site["site_section_builders"] = {
            "validations": {"renderer": results} | view,
            "expectations": view,
        }
        variables.data_docs_sites = sites
    variables.progress_bars = {"globally": False}
    variables.save()


def _class_config(kind: type) -> dict[str, Any]:
    return {"module_name": PACKAGE, "class_name": kind.__name__}
