"""ARCHITECTURE.md names what there is: packages in their order, files, and functions in them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "ARCHITECTURE.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]
LINKED = [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES, *sorted((ROOT / "docs").glob("*.md"))]
TREE = re.search(r"```text\n(kldrift/\n.*?)```", PAGE, re.DOTALL)[1]
# ``kldrift/sources/open.py``, ``conf/sql/``: what is written as code and begins with a folder.
PATH = re.compile(r"`((?:kldrift|tests|docs|conf|jobs)/[\w./-]*)`")
LINK = re.compile(r"\]\(([^)#:]*)(#[\w-]+)?\)")
TARGET = re.compile(r"^(\w[\w-]*):", re.MULTILINE)
ROUTE = re.findall(r"^\| \d+ \| .* \| [DX] \| `(.*)` \| (.*) \|$", PAGE, re.MULTILINE)
CHANGES = re.findall(
    r"^\| (.*?) \| (.*?) \| .*\|$", PAGE.split("## Where to add what")[1], re.MULTILINE
)[2:]


def layers():
    """The literal ``LAYERS`` of the architecture test."""
    tree = ast.parse((ROOT / "tests" / "unit" / "test_architecture.py").read_text())
    (found,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LAYERS"
    )
    return ast.literal_eval(found)


def slug(heading):
    """The name that a heading has in a link."""
    return re.sub(r"[^\w\s-]", "", heading.strip().lower()).replace(" ", "-")


def defined(file):
    """What a module defines at its top level."""
    tree = ast.parse(file.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def test_the_tree_lists_all_packages_in_the_order_of_the_layers():
    packages = re.findall(r"^(?:  )?(\w+)/? {2,}", TREE, re.MULTILINE)
    assert tuple(packages[: len(layers())]) == layers()


def test_every_package_has_a_line_that_says_what_it_holds():
    drawn = re.findall(r"^  (\w+)(/?) +(\S.*)$", TREE, re.MULTILINE)
    for name, folder, what in drawn:
        path = ROOT / "kldrift" / (name if folder else f"{name}.py")
        assert path.exists(), name
        assert len(what) > 10, name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_file_that_is_named_exists(page):
    named = PATH.findall(page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", LINKED, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor[1:] in map(slug, headings), anchor


def test_every_page_is_reached_from_the_front_page():
    reached, ahead = set(), {ROOT / "README.md"}
    while ahead:
        page = ahead.pop()
        reached.add(page)
        links = (page.parent / link for link, _ in LINK.findall(page.read_text(encoding="utf-8")))
        ahead |= {to.resolve() for to in links if to.suffix == ".md"} - reached
    assert set(LINKED) <= reached


def test_the_way_of_a_row_names_functions_that_are_where_it_says():
    assert len(ROUTE) >= 15
    for path, names in ROUTE:
        named = re.findall(r"`(\w+)`", names)
        assert named, path
        assert set(named) <= defined(ROOT / path), path


def test_at_least_twenty_changes_are_each_sent_to_a_file():
    assert len(CHANGES) >= 20
    for change, where in CHANGES:
        assert PATH.search(where) or where.startswith("nothing"), change


def test_the_page_names_a_file_of_every_package():
    sent = {path.split("/")[1] for path in PATH.findall(PAGE) if path.startswith("kldrift/")}
    parts = {name.removesuffix(".py") for name in sent}
    assert parts >= set(layers()) - {"jobs"}


def test_every_decision_is_in_the_index_and_linked_from_the_page():
    folder = ROOT / "docs" / "decisions"
    pages = {p.name for p in folder.glob("*.md")} - {"README.md"}
    index = {target for target, _ in LINK.findall((folder / "README.md").read_text())}
    linked = {Path(target).name for target, _ in LINK.findall(PAGE) if "decisions/" in target}
    assert pages <= index
    assert pages <= linked


def test_the_targets_of_make_that_contributors_are_told_exist():
    made = set(TARGET.findall((ROOT / "Makefile").read_text()))
    for page in PAGES:
        told = set(re.findall(r"\bmake ([a-z]+)`", page.read_text(encoding="utf-8")))
        assert told <= made, page.name


def test_the_docstrings_that_link_a_decision_link_one_that_exists():
    linked = {
        (file, name)
        for file in (ROOT / "kldrift").rglob("*.py")
        for name in re.findall(r"docs/decisions/[\w-]+\.md", file.read_text())
    }
    assert linked
    assert [str(file) for file, name in linked if not (ROOT / name).exists()] == []
