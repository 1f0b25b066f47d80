"""Imports point down only, and what Spark Connect and serverless clusters refuse is not used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT_TESTS = sorted(ROOT.glob("tests/unit/**/*.py"))
FILES = sorted([*ROOT.glob("kldrift/**/*.py"), *ROOT.glob("jobs/**/*.py")])

# From the bottom to the top; a package imports from those above it in this list, and from itself.
LAYERS = (
    "errors",
    "arrays",
    "divergences",
    "error_free",
    "divergence",
    "profiles",
    "statistics",
    "features",
    "binning",
    "counting",
    "scoring",
    "config",
    "sources",
    "execution",
    "tables",
    "reporting",
    "expectations",
    "monitor",
    "shift",
    "calls",
    "spark",
    "demo",
    "dashboard",
    "cli",
    "__main__",
    "jobs",
)
HEIGHT = {part: height for height, part in enumerate(LAYERS)}
CORE = {*LAYERS[: LAYERS.index("scoring") + 1]}

ONLY_IN = {
    "pyspark": (
        "kldrift/sources/",
        "kldrift/execution/",
        "kldrift/spark/functions/",
        "kldrift/monitor/inputs.py",
        "kldrift/monitor/record.py",
        "kldrift/monitor/run.py",
        "jobs/",
    ),
    "great_expectations": ("kldrift/expectations/",),
    "streamlit": ("kldrift/dashboard/",),
    "duckdb": ("kldrift/dashboard/",),
}
# docs/decisions/dataframe-api-only.md says why.
REFUSED_ATTRIBUTES = {"rdd", "_jvm", "_jsc", "_jdf", "_sc"}
REFUSED_METHODS = {"cache", "persist"}
REFUSED_FUNCTIONS = {"eval", "exec"}


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def part_of(module: str) -> str:
    """The package that a module belongs to: ``sources`` for ``kldrift.sources.open``."""
    first, *rest = module.split(".")
    return rest[0] if first == "kldrift" and rest else first


def imported(source: str) -> Iterator[str]:
    """The modules that a file imports when it runs, wherever the import stands."""
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            # "from kldrift import x" imports the part x, or a name of the package itself.
            names = [alias.name for alias in node.names if alias.name in HEIGHT]
            yield from [f"kldrift.{n}" for n in names] if module == "kldrift" else [module]
        todo += ast.iter_child_nodes(node)


def refused(source: str) -> Iterator[str]:
    """What a file uses that not every Spark has, or that runs text as code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in REFUSED_ATTRIBUTES:
            yield node.attr
        if isinstance(node, ast.Call):
            call = node.func
            if isinstance(call, ast.Attribute) and call.attr in REFUSED_METHODS:
                yield call.attr
            if isinstance(call, ast.Name) and call.id in REFUSED_FUNCTIONS:
                yield call.id


def of_spark(source: str) -> Iterator[str]:
    """What a test file takes of Spark before a test runs, or asks a session for."""
    tree = ast.parse(source)
    for node in tree.body:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (f"import of {m}" for m in modules if m.split(".")[0] == "pyspark")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from (f"fixture {a.arg}" for a in node.args.args if a.arg == "spark")
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "pytest.mark.spark":
            yield "mark"
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".usefixtures"):
            yield from ("fixture spark" for a in node.args if ast.unparse(a) == "'spark'")


def upward(part: str, source: str) -> list[str]:
    """The imports of a file that do not point down."""
    found = {part_of(m) for m in imported(source) if m.split(".")[0] in ("kldrift", "jobs")}
    return sorted(p for p in found - {part} if HEIGHT[p] >= HEIGHT[part])


files = pytest.mark.parametrize("file", FILES, ids=name_of)


def test_every_part_of_the_package_has_its_place_in_the_layers():
    parts = {part_of(name_of(f).removesuffix(".py").replace("/", ".")) for f in FILES}
    assert parts - {"__init__"} == HEIGHT.keys()


@files
def test_imports_point_down_only(file):
    part = part_of(name_of(file).removesuffix(".py").replace("/", "."))
    if part != "__init__":  # the package itself imports by name, when it is asked
        assert upward(part, file.read_text()) == []


@files
def test_spark_and_great_expectations_are_imported_where_they_belong(file):
    top = {module.split(".")[0] for module in imported(file.read_text())}
    for package, places in ONLY_IN.items():
        if package in top:
            assert name_of(file).startswith(places)


@pytest.mark.parametrize(
    "file", [f for f in FILES if part_of(name_of(f)[:-3].replace("/", ".")) in CORE], ids=name_of
)
def test_the_core_needs_numpy_scipy_and_pyarrow_at_most(file):
    top = {module.split(".")[0] for module in imported(file.read_text())}
    assert top - sys.stdlib_module_names <= {"kldrift", "numpy", "scipy", "pyarrow"}


@files
def test_nothing_is_used_that_spark_connect_or_serverless_refuse(file):
    assert list(refused(file.read_text())) == []


@pytest.mark.parametrize("file", UNIT_TESTS, ids=name_of)
def test_unit_tests_need_no_spark(file):
    assert list(of_spark(file.read_text())) == []


def test_no_file_is_called_after_nothing():
    vague = {"utils", "util", "helpers", "common", "misc"}
    assert not [name_of(f) for f in FILES if f.stem in vague or f.parent.name in vague]


@files
def test_no_file_is_longer_than_350_lines(file):
    assert len(file.read_text().splitlines()) <= 350


def test_no_class_has_the_name_of_another():
    classes = Counter(
        node.name
        for file in FILES
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, times in classes.items() if times > 1] == []


# ----------------------------------------------------------------------------- the checks can fail


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("df.rdd.map(f)", ["rdd"]),
        ("x = spark._jvm", ["_jvm"]),
        ("df.cache()", ["cache"]),
        ("df.select('a').persist()", ["persist"]),
        ("eval('1')", ["eval"]),
        ("from functools import cache\n@cache\ndef f(): ...", []),
    ],
    ids=str,
)
def test_what_is_refused_is_found(source, found):
    assert list(refused(source)) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pyspark.sql", ["import of pyspark.sql"]),
        ("from pyspark import cloudpickle", ["import of pyspark"]),
        ("def test_a(tmp_path, spark): ...", ["fixture spark"]),
        ("@pytest.mark.usefixtures('spark')\ndef test_a(): ...", ["fixture spark"]),
        ("pytestmark = pytest.mark.spark", ["mark"]),
        ("def f():\n    import pyspark", []),
        ("def test_a(sparks): ...", []),
    ],
    ids=str,
)
def test_a_unit_test_that_needs_spark_is_found(source, found):
    assert list(of_spark(source)) == found


@pytest.mark.parametrize(
    ("part", "source", "found"),
    [
        ("profiles", "from kldrift.execution.programs import CountProgram", ["execution"]),
        ("profiles", "def f():\n    import kldrift.cli.main", ["cli"]),
        ("profiles", "from kldrift import monitor", ["monitor"]),
        ("profiles", "from kldrift.features.keys import label", ["features"]),
        ("sources", "from kldrift.profiles.support import Keys", []),
        ("profiles", "if TYPE_CHECKING:\n    from kldrift.cli.main import main", []),
        ("monitor", "from kldrift import __version__", []),
    ],
    ids=str,
)
def test_an_import_that_points_up_is_found(part, source, found):
    assert upward(part, source) == found


# ---------------------------------------------------------------------------- without the others

COMPARE = """
import sys
for package in {packages!r}:
    sys.modules[package] = None  # an import of it fails
import kldrift, pyarrow
table = pyarrow.table({{"x": [1, 2, 2]}})
print(len(kldrift.compare(table, table).scores))
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_data_in_memory_is_compared_without_spark_and_great_expectations():
    assert run(COMPARE.format(packages=["pyspark", "great_expectations"])) == "1"


@pytest.mark.parametrize(
    "modules",
    [
        "kldrift.execution.spark_stages, kldrift.shift.stage",  # so that a task starts quickly
        "kldrift.monitor.run",  # so that a run does
    ],
)
def test_what_a_run_loads_is_without_the_large_parts_of_scipy(modules):
    code = (
        f"import sys, {modules}\n"
        "large = {'integrate', 'optimize', 'spatial', 'sparse', 'stats'}\n"
        "print(sorted(large & {m.split('.')[1] for m in sys.modules if m.startswith('scipy.')}))"
    )
    assert run(code) == "[]"


def test_a_task_loads_no_parser_of_predicates():
    code = "import sys, kldrift.execution.spark_stages; print('sqlglot' in sys.modules)"
    assert run(code) == "False"


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, kldrift; print(sorted({'numpy', 'pandas', 'pyspark'} & set(sys.modules)))"
    assert run(code) == "[]"


@pytest.mark.parametrize(
    "module",
    [
        "kldrift.cli.main",  # so that --help is quick
        "kldrift.execution.programs",  # so that a task starts quickly
        "kldrift.execution.spark_stages",
        "kldrift.shift.program",
        "kldrift.sources.dataframe.frame",
        "kldrift.sources.parquet.source",
    ],
)
def test_the_configuration_is_loaded_only_where_one_is_read(module):
    heavy = "{'kldrift.config', 'pydantic', 'ruamel'}"
    assert run(f"import sys, {module}; print({heavy} & {{*sys.modules}})") == "set()"
