from pathlib import Path

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives._graph_settings import GraphSettings, located


def test_a_graph_that_ships_takes_shares_and_nothing_of_files() -> None:
    assert GraphSettings.of({"dataset": "digits_neighbours", "test": 0.5}).options is None
    with pytest.raises(ConfigurationError) as caught:
        GraphSettings.of({"dataset": "digits_neighbours", "target": "y", "tset": 0.5})
    assert caught.value.problems == (
        "settings.target: is for graphs of your own, and 'digits_neighbours' ships",
        "settings.tset: unknown setting; did you mean 'test'?",
    )


def test_everything_wrong_with_settings_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        GraphSettings.of(
            {
                "dataset": str(tmp_path / "none"),
                "directed": 1,
                "id": 3,
                "columns": {"zip": "category"},
                "validation": 0,
            }
        )
    said = "\n".join(caught.value.problems)
    for part in ("dataset: there is no", "directed: 1", "id: is not text", "columns.zip: 'category'", "validation: 0"):
        assert part in said


def test_a_missing_dataset_says_what_there_may_be() -> None:
    with pytest.raises(ConfigurationError, match=r"a folder with nodes.csv and edges.csv.*digits_neighbours"):
        GraphSettings.of({})


def test_a_graph_is_looked_for_in_the_folders_in_order(tmp_path: Path) -> None:
    (tmp_path / "b" / "people").mkdir(parents=True)
    found = located({"dataset": "people"}, [tmp_path / "a", tmp_path / "b"])
    assert found["dataset"] == str((tmp_path / "b" / "people").resolve())
    assert located({"dataset": "digits_neighbours"}, [tmp_path])["dataset"] == "digits_neighbours"


def test_a_dataset_that_is_no_path_is_said_as_it_is() -> None:
    with pytest.raises(ConfigurationError, match=r"settings\.dataset: 5 is not a path"):
        GraphSettings.of({"dataset": 5})
