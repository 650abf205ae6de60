"""What `import tuner` gives: all public names, none of the libraries behind them."""

import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import tuner
from tuner.spec.overrides import KEY_PATHS, Overrides

HEAVY = ("torch", "ray", "optuna", "sqlalchemy", "pandas", "numpy", "pydantic")


def test_importing_tuner_imports_none_of_the_libraries_behind_it() -> None:
    code = f"import sys, tuner; dir(tuner); print([name for name in {HEAVY!r} if name in sys.modules])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


def test_a_spawned_process_imports_tuner_however_many_words_its_parent_was_given(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import multiprocessing, tuner\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=dir, args=[tuner.Budget()])\n"
        "    child.start()\n"
        "    child.join()\n"
        "    raise SystemExit(child.exitcode)\n"
    )
    subprocess.run([sys.executable, program, *"abcdefgh"], check=True)


def test_dir_shows_the_public_names_and_each_of_them_is_there() -> None:
    assert dir(tuner) == sorted(tuner.__all__)
    assert all(getattr(tuner, name).__name__ == name for name in tuner.__all__)


def test_a_name_that_does_not_exist_is_told_with_the_nearest_one() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'lode_study'; did you mean 'load_study'"):
        _ = tuner.lode_study  # type: ignore[attr-defined]


def test_what_can_be_given_beside_a_study_file_has_a_type() -> None:
    assert set(get_type_hints(Overrides)) == set(KEY_PATHS)
