"""The rules of the house that no tool checks: sizes, where tests lie, and what they look at.

Each list of exceptions may only shrink: one that is no longer needed fails its test until it is taken off the list.
"""

import ast
import re
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("tuner", "objectives", "search_spaces", "hydra_plugins", "benchmarks", "examples", "tests")

MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 40
MOST_PARAMETERS = 6

MOST_FLOORS = 7
MOST_ROOMS = 24
MOST_ARROWS = 90
"""Pairs of packages of `tuner` of which one imports the other; the imports themselves are checked by `lint-imports`."""
MOST_LINES_OF_CONTRACTS = 100

LONG_FILES = {
    "tests/conformance/test_cohorts.py",
    "tests/display/test_live.py",
    "tests/doctor/test_checkup.py",
    "tests/execution/isolation/test_worker.py",
    "tests/execution/test_worker.py",
    "tests/faults/test_doors.py",
    "tests/faults/test_fuzzing.py",
    "tests/faults/test_strangers.py",
    "tests/nasty_files.py",
    "tests/objectives/training/test_layer_attributes.py",
    "tests/objectives/training/test_module_objective.py",
    "tests/objectives/user_data/test_own_data_failures.py",
    "tests/spec/test_study_file.py",
    "tests/storage/test_store.py",
    "tests/zoo.py",
}
LONG_FUNCTIONS = {
    "benchmarks/readers.py:make",
    "tests/execution/ray/test_loop.py:__init__",
    "tests/nasty_files.py:_of_files",
    "tests/nasty_files.py:_of_numbers",
    "tests/spec/test_space_file.py:test_mistakes_are_told_all_at_once_with_file_key_and_nearest_name",
    # A command's options are its parameters, one a line; a value that bundles them would hide what its help lists.
    "tuner/cli/init.py:command",
    "tuner/cli/resume.py:command",
    "tuner/cli/run.py:command",
}
MANY_PARAMETERS = {
    # It stands in for torch's multi_head_attention_forward, and is called as that is.
    "objectives/training/batched_functions.py:_attention",
    # The public signature: what a person may say, each by its name.
    "tuner/api/__init__.py:run",
}

ROOMS_OF_STORIES = ("conformance", "end_to_end", "faults")
"""Folders of tests that are about more than one file: a kind of member, a whole run, a fault."""

OWN_ROOMS = {"objectives", "search_spaces", "benchmarks"}
"""Folders at the top whose tests have a room of the same name; all other tests are about `tuner/`."""

STORIES = {
    "execution/command/test_isolation.py",
    "integrations/test_own_loops.py",
    "models/test_nasty_tables.py",
    "models/test_own_images.py",
    "models/test_own_tables.py",
    "objectives/training/test_zoo.py",
    "objectives/user_data/test_examples.py",
    "objectives/user_data/test_nasty_files.py",
    "objectives/user_data/test_own_data_failures.py",
    "test_commands_guide.py",
    "test_documentation.py",
    "test_examples.py",
    "test_finetuning_guide.py",
    "test_graphs_guide.py",
    "test_house.py",
    "test_public_names.py",
    "test_readme.py",
    "test_search_spaces_guide.py",
    "test_shipped_studies.py",
}
"""Test files elsewhere that are about more than one file of the source."""

OF_OTHERS = {"_exit", "_repr_html_"}
"""Names with an underscore that are public all the same: Python's, and what a notebook asks for."""

RIDDLES = re.compile(r"\b(nobody|somebody|anybody|whoever|told|goes on|take note|is of no use)\b", re.IGNORECASE)
"""Words that have a plainer one, in documents and in the source."""


def files() -> Iterator[str]:
    """Yield every file of the source, once: `tuner/objectives` is a link to `objectives`."""
    for folder in SOURCES:
        for path in (ROOT / folder).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            if not name.startswith(("tuner/objectives/", "tuner/search_spaces/")):
                yield name


@cache
def parsed(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text())


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for name in files():
        for node in ast.walk(parsed(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def num_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(each.arg not in {"self", "cls"} for each in given)


def assert_only(found: set[str], exceptions: set[str]) -> None:
    """Assert that all that was found is an exception, and that every exception was found."""
    assert sorted(found - exceptions) == [], "against the rule"
    assert sorted(exceptions - found) == [], "no longer needed: take it off the list"


def test_no_file_is_longer_than_350_lines() -> None:
    assert_only({name for name in files() if (ROOT / name).read_text().count("\n") > MOST_LINES}, LONG_FILES)


def test_no_function_is_longer_than_40_lines() -> None:
    long = {
        f"{name}:{function.name}"
        for name, function in functions()
        if (function.end_lineno or function.lineno) - function.lineno >= MOST_LINES_OF_A_FUNCTION
    }
    assert_only(long, LONG_FUNCTIONS)


def test_no_function_but_a_command_has_more_than_6_parameters() -> None:
    many = {
        f"{name}:{function.name}"
        for name, function in functions()
        if num_parameters(function) > MOST_PARAMETERS
        if not name.startswith(("tests/", "benchmarks/", "tuner/cli/"))
    }
    assert_only(many, MANY_PARAMETERS)


def test_the_packages_are_few_and_few_know_each_other() -> None:
    graph = grimp.build_graph("tuner", exclude_type_checking_imports=True)
    rooms = graph.find_children("tuner")
    arrows = {
        (importer, imported)
        for importer in rooms
        for imported in rooms - {importer}
        if graph.direct_import_exists(importer=importer, imported=imported, as_packages=True)
    }
    assert len(rooms) <= MOST_ROOMS
    assert len(arrows) <= MOST_ARROWS


def test_the_contracts_of_imports_are_short() -> None:
    content = (ROOT / "pyproject.toml").read_text()
    layers = tomllib.loads(content)["tool"]["importlinter"]["contracts"][0]["layers"]
    assert len(layers) <= MOST_FLOORS
    lines = content.splitlines()
    ours = [index for index, line in enumerate(lines) if line.lstrip("[").startswith("tool.importlinter")]
    end = next(index for index in range(ours[-1] + 1, len(lines)) if lines[index].startswith("["))
    assert end - ours[0] <= MOST_LINES_OF_CONTRACTS


def is_mirrored(test: Path) -> bool:
    """Whether a source file, its name without underscores, or a package of the test's name is where the test is."""
    room = test.parent
    source = ROOT / room if room.parts and room.parts[0] in OWN_ROOMS else ROOT / "tuner" / room
    name = test.stem.removeprefix("test_")
    modules = {path.stem.strip("_") for path in source.glob("*.py")} if source.is_dir() else set()
    return name in modules or (source / name / "__init__.py").exists()


def test_tests_lie_where_the_file_lies_that_they_test() -> None:
    tests = [path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")]
    elsewhere = {str(test) for test in tests if test.parts[0] not in ROOMS_OF_STORIES and not is_mirrored(test)}
    assert_only(elsewhere, STORIES)


def private_names(name: str) -> Iterator[str]:
    """Yield the private names that a test file looks at, of other objects than its own."""
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tuner"):
            yield from (each.name for each in node.names if each.name.startswith("_"))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            is_its_own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            if not is_its_own and node.attr not in OF_OTHERS:
                yield node.attr


def test_no_test_looks_at_a_private_name() -> None:
    tests = [name for name in files() if name.startswith("tests/")]
    assert {f"{name}:{each}" for name in tests for each in private_names(name)} == set()


def texts(name: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every comment and string of a source file, docstrings among them; no names."""
    with tokenize.open(ROOT / name) as source:
        for token in tokenize.generate_tokens(source.readline):
            if tokenize.tok_name[token.type] in {"COMMENT", "STRING", "FSTRING_MIDDLE"}:
                yield from enumerate(token.string.splitlines(), token.start[0])


def test_docstrings_comments_and_messages_are_in_plain_english() -> None:
    sources = [name for name in files() if name.startswith(("tuner/", "objectives/", "search_spaces/"))]
    found = {f"{name}:{number}: {text}" for name in sources for number, text in texts(name) if RIDDLES.search(text)}
    assert sorted(found) == []


@pytest.mark.parametrize("file", [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")], ids=lambda file: file.name)
def test_documents_are_in_plain_english(file: Path) -> None:
    lines = enumerate(file.read_text().splitlines(), 1)
    assert [f"{number}: {line}" for number, line in lines if RIDDLES.search(line)] == []
