"""Training once more, on all rows: as long as was best in the search, from the same beginning."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.trial import Trial
from tuner.objectives.supervised import Supervised


class Kept(Checkpoints):
    """Keeps a state in memory."""

    def __init__(self) -> None:
        self.state: Mapping[str, Any] | None = {"model": "of the search"}

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = state

    def load(self) -> Mapping[str, Any] | None:
        return self.state


def objective(folder: Path, rows: int = 60) -> Supervised:
    path = folder / "table.csv"
    x = np.random.default_rng(0).normal(size=(rows, 2)).round(4)
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] * 3 + 0.001}).to_csv(path, index=False)
    return Supervised({"dataset": str(path), "target": "y"}, seed=0)


def trial(number: int, epoch: int, *, width: int = 4) -> Trial:
    config = Config({"architecture": {"name": "mlp", "width": width}, "batch_size": 16})
    return Trial(
        config=config,
        number=number,
        seed=number,
        device="cpu",
        epoch=epoch,
        max_epochs=9,
        settings=Config({}),
        checkpoints=Kept(),
    )


def weights(trial: Trial) -> torch.Tensor:
    state = trial.load()
    assert state is not None
    return torch.cat([each.flatten() for each in state["model"].values()])


def test_each_trial_is_trained_for_its_own_epochs_whatever_its_number_or_shape(tmp_path: Path) -> None:
    asked = [trial(1, 3), trial(1, 5), trial(2, 5, width=6)]
    assert objective(tmp_path).train_on_all(asked)
    for each, epochs in zip(asked, (3, 5, 5), strict=True):
        alone = trial(each.number, epochs, width=each.config["architecture"]["width"])
        objective(tmp_path).train_on_all([alone])
        torch.testing.assert_close(weights(each), weights(alone))
    assert not torch.equal(weights(asked[0]), weights(asked[1]))


def test_the_rows_of_validation_train_and_those_of_the_test_split_do_not(tmp_path: Path) -> None:
    searched = objective(tmp_path)
    searched.train_on_all([asked := trial(1, 2)])
    # 36 rows train in the search, 12 validate: four batches of 16 and then three.
    state = asked.load()
    assert state is not None
    steps = {int(each["step"]) for each in state["optimizer"].values()}
    assert steps == {2 * 3}


def test_what_diverges_with_more_rows_saves_nothing(tmp_path: Path) -> None:
    sound, diverging = trial(1, 2), trial(2, 2)
    optimizer = {"name": "sgd", "lr": 1e30, "clip": 0.0}
    diverging = replace(diverging, config=Config({**diverging.config, "optimizer": optimizer}))
    assert objective(tmp_path).train_on_all([sound, diverging])
    assert weights(sound).isfinite().all()
    assert diverging.load() == {"model": "of the search"}


@pytest.mark.parametrize(
    ("metric", "classes", "trains"), [("f1", 2, False), ("recall", 2, False), ("accuracy", 2, True), ("f1", 3, True)]
)
def test_models_that_answer_by_a_threshold_stay_those_that_it_was_made_for(
    tmp_path: Path, metric: str, classes: int, *, trains: bool
) -> None:
    path = tmp_path / "classes.csv"
    x = np.random.default_rng(0).normal(size=(60, 2)).round(4)
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": [f"k{row % classes}" for row in range(60)]}).to_csv(
        path, index=False
    )
    classifier = Supervised({"dataset": str(path), "target": "y"}, seed=0)
    classifier.want((metric,))
    kept = (asked := trial(0, 1)).load()
    assert classifier.train_on_all([asked]) is trains
    assert (asked.load() is kept) is not trains


@pytest.mark.parametrize("rows", [20_000, 60])
def test_so_many_rows_that_a_third_more_teach_little_are_left(tmp_path: Path, rows: int) -> None:
    few = objective(tmp_path, rows=rows * 2 if rows > 100 else rows)
    assert few.train_on_all([trial(1, 1)]) == (rows == 60)
