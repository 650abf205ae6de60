"""What is searched where a person gives data and no study file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner.domain.search_space import SearchSpace
from tuner.domain.start_configs import start_configs
from tuner.domain.study import Direction
from tuner.objectives.supervised import Supervised
from tuner.registry.catalogue import Catalogue
from tuner.running.spec_source import DataFile, read_spec


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "kind": np.repeat(["x", "y"], 30), "amount": rng.normal(size=60)})
    frame.to_csv("table.csv", index=False)
    return tmp_path / "table.csv"


@pytest.mark.parametrize(("target", "metric"), [("kind", "log_loss"), ("amount", "rmse")])
def test_a_proper_score_is_searched_by_and_few_rows_train_longer(table: Path, target: str, metric: str) -> None:
    spec, _ = read_spec(DataFile(path=str(table), target=target), {})
    assert (spec.metric, spec.direction) == (metric, Direction.MINIMIZE)
    assert spec.budget.epochs == 81
    assert dict(spec.scheduler.options) == {"min_epochs": 9}  # type: ignore[union-attr]


def test_beyond_20_000_rows_the_budget_is_the_usual_one(table: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(20_001, 2))
    pd.DataFrame(rows, columns=["a", "amount"]).to_csv(table, index=False)
    spec, _ = read_spec(DataFile(path=str(table), target="amount"), {})
    assert spec.budget.epochs == 27
    assert not spec.scheduler.options  # type: ignore[union-attr]


@pytest.mark.parametrize("target", ["kind", "amount"])
def test_what_is_tried_first_lies_in_the_space_that_is_proposed(table: Path, target: str) -> None:
    proposal = Supervised({"dataset": str(table), "target": target}, seed=0).proposal()
    space = Catalogue("tuner.search_spaces", "search space")[proposal["search_space"]]
    assert isinstance(space, SearchSpace)
    (first,) = start_configs(space, proposal["start"])
    assert first["architecture"]["name"] == "real_mlp"
    assert first["optimizer"]["beta2"] == 0.95


def test_a_metric_that_is_named_is_searched_by_its_own_way(table: Path) -> None:
    spec, _ = read_spec(DataFile(path=str(table), target="kind"), {"metric": "f1"})
    assert spec.metric == "f1"
    assert spec.direction is None


def test_another_amount_of_training_or_space_takes_away_what_was_meant_for_the_one_proposed(table: Path) -> None:
    data = DataFile(path=str(table), target="kind")
    spec, _ = read_spec(data, {"budget.steps": 500})
    assert (spec.budget.epochs, spec.budget.steps) == (None, 500)
    assert not spec.scheduler.options  # type: ignore[union-attr]
    spec, _ = read_spec(data, {"search_space": "tabular_classifier"})
    assert not spec.start
    for key, name in (("scheduler", "hyperband"), ("scheduler.name", "none"), ("scheduler.name", "pbt")):
        spec, _ = read_spec(data, {key: name})
        assert spec.scheduler.name == name  # type: ignore[union-attr]
        assert not spec.scheduler.options  # type: ignore[union-attr]
