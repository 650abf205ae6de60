"""Every study that ships can be run by its name alone, and its trial 0 trains."""

from collections.abc import Callable
from pathlib import Path

import pytest

import tuner

NAMES = sorted(path.stem for path in (Path(tuner.__file__).parent / "studies").glob("*.toml"))
Cli = Callable[..., tuple[int, str, str]]


def test_there_is_a_study_for_each_kind_of_data() -> None:
    tables = ["breast_cancer", "diabetes", "digits", "digits_rows", "iris", "wine"]
    assert sorted([*tables, "finetune", "graph", "language"]) == NAMES


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_study_trains_its_default_configuration(name: str, cli: Cli) -> None:
    code, out, err = cli("check", name)
    assert code == 0, err
    assert f"all is well; next: tuner run {name}" in out
    assert not Path(".tuner").exists()


@pytest.mark.usefixtures("workplace")
def test_a_shipped_study_runs_to_its_end_inline(cli: Cli) -> None:
    code, out, err = cli("run", "iris", "--trials", "4", "--set", "budget.epochs=3", "--executor", "inline")
    assert code == 0, err
    assert "best log_loss" in out
