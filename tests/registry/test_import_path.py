import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tuner import share_process
from tuner.domain.errors import ConfigurationError, UnknownNameError
from tuner.registry.catalogue import Catalogue
from tuner.registry.import_path import clash, is_function, resolve, shares_process

SPACES = Catalogue("tuner.search_spaces", "search space")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "mytask.py").write_text(
        "import mytask_more\n"
        "def train(trial):\n    yield {}\n"
        "def outer(trial):\n    def inner():\n        yield 1\n    return inner\n"
        "space = mytask_more.space\n"
    )
    (tmp_path / "mytask_more.py").write_text("space = 'a space'\n")
    (tmp_path / "mypackage").mkdir()
    (tmp_path / "mypackage" / "__init__.py").write_text("")
    (tmp_path / "mypackage" / "inner.py").write_text("value = 3\n")
    (tmp_path / "mybroken.py").write_text("import nowhere_to_be_found\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong json')\n")
    before, path = set(sys.modules), list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith("my"):
            del sys.modules[name]


def test_a_shipped_name_is_a_member() -> None:
    assert len(resolve("image_classifier", SPACES, Path.cwd())) > 5


def test_an_unknown_name_tells_how_to_name_ones_own() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'image_classifier'") as raised:
        resolve("image_clasifier", SPACES, Path.cwd())
    assert "package.module:name" in raised.value.hint


def test_a_module_of_the_working_directory_is_found_with_what_it_imports(folder: Path) -> None:
    assert resolve("mytask:space", SPACES, folder) == "a space"


def test_a_module_inside_a_package_is_found(folder: Path) -> None:
    assert resolve("mypackage.inner:value", SPACES, folder) == 3


def test_a_file_in_the_folder_never_stands_in_for_a_module_that_others_import(folder: Path) -> None:
    resolve("mytask:space", SPACES, folder)
    sys.modules.pop("json", None)
    import json  # noqa: PLC0415 - that is the test

    assert json.loads("1") == 1


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("mytask:spice", "did you mean 'space'"),
        ("mynothing:space", "no module 'mynothing'"),
        ("mypackage.nothing:space", r"no module 'mypackage\.nothing'"),
        ("mybroken:space", "importing 'mybroken' failed: ModuleNotFoundError"),
    ],
)
def test_what_is_not_there_is_told_in_words(reference: str, words: str, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=words):
        resolve(reference, SPACES, folder)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("def train(trial):\n    yield {}", True),
        ("def train(trial):\n    return {}", True),
        ("import tuner\n@tuner.share_process\ndef train(trial):\n    yield {}", True),
        ("from functools import cache\n@cache\ndef train(trial):\n    yield {}", False),
        ("def train(trial):\n    yield {}\ntrain = print", False),
        ("if True:\n    def train(trial): ...", False),
        ("class train: ...", False),
        ("from json import dumps as train", False),
    ],
)
def test_a_function_is_recognised_without_importing_it(definition: str, expected: bool, folder: Path) -> None:  # noqa: FBT001
    (folder / "mydefinition.py").write_text(definition)
    assert is_function("mydefinition:train", folder) is expected
    assert "mydefinition" not in sys.modules


@pytest.mark.parametrize("reference", ["mytask:space", "supervised"])
def test_what_is_no_function_is_not_taken_for_one(reference: str, folder: Path) -> None:
    assert not is_function(reference, folder)


def test_whatever_can_be_called_and_is_no_class_is_a_function(folder: Path) -> None:
    assert is_function(lambda: None, folder)
    assert is_function(partial(print, 1), folder)
    assert not is_function(Path, folder)


def test_who_shares_a_process_says_so_in_a_decorator(folder: Path) -> None:
    (folder / "mysharing.py").write_text("from tuner import share_process\n@share_process\ndef train(trial): ...")
    assert shares_process("mysharing:train", folder)
    assert not shares_process("mytask:train", folder)
    assert shares_process(share_process(partial(print)), folder)


def test_a_module_with_the_name_of_an_installed_one_is_said(folder: Path) -> None:
    said = clash("json:train", folder)
    assert said is not None
    assert f"json:train is looked for in {folder}" in said
    assert clash("mytask:train", folder) is None
    assert clash("supervised", folder) is None


def test_a_module_whose_name_is_taken_already_is_refused_with_both_places(folder: Path) -> None:
    import json  # noqa: PLC0415 - it has to be imported before

    with pytest.raises(ConfigurationError) as caught:
        resolve("json:train", SPACES, folder)
    assert str(json.__file__) in str(caught.value)
    assert str(folder / "json.py") in str(caught.value)
