"""What a model costs: its weights, and how long it takes for an example."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from memory_checkpoints import Forgetful
from torch import Tensor, nn

from tuner.domain.config import Config
from tuner.domain.goal import LATENCY_MS, PARAMETERS
from tuner.domain.objective import Cohort
from tuner.domain.trial import Metrics, Trial
from tuner.objectives.supervised import Supervised
from tuner.objectives.training import model_cost
from tuner.objectives.training.model_cost import latency_ms
from tuner.objectives.training.precision import Precision

TINY = {"name": "mlp", "width": 3, "depth": 1, "normalisation": "none"}


def started(members: int, wanted: Sequence[str], **architecture: Any) -> Cohort:
    objective = Supervised({"dataset": "iris"}, seed=0)
    objective.want(wanted)
    return objective.start([trial(number, {**TINY, **architecture}) for number in range(members)])


def trial(number: int, architecture: Mapping[str, Any]) -> Trial:
    return Trial(
        config=Config({"architecture": Config(architecture)}),
        number=number,
        seed=number,
        device="cpu",
        epoch=0,
        max_epochs=2,
        settings=Config({}),
        checkpoints=Forgetful(),
    )


def advanced(cohort: Cohort) -> list[Metrics]:
    outcomes = cohort.advance().values()
    return [outcome for outcome in outcomes if isinstance(outcome, Mapping)]


class Slow(nn.Module):
    """Answers after a while, and the first time after a longer one, by a clock of its own."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.now = 0.0
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        assert not self.training
        self.now += self.seconds if self.shapes else 20 * self.seconds
        self.shapes.append(tuple(inputs.shape))
        return inputs


@pytest.mark.parametrize("members", [1, 5])
def test_a_trial_says_how_many_weights_its_model_has(members: int) -> None:
    found = advanced(started(members, ()))
    # 4 columns to 3 units, those to 3 classes, each with its offset.
    assert [metrics[PARAMETERS] for metrics in found] == [4 * 3 + 3 + 3 * 3 + 3] * members
    assert all(LATENCY_MS not in metrics for metrics in found)


@pytest.mark.parametrize("members", [1, 5])
def test_latency_is_measured_where_it_is_asked_for_and_stays(members: int) -> None:
    cohort = started(members, [LATENCY_MS])
    first, second = ([metrics[LATENCY_MS] for metrics in advanced(cohort)] for _ in range(2))
    assert first == second
    assert len(first) == members
    assert all(latency > 0 for latency in first)


def test_measuring_latency_changes_nothing_else() -> None:
    ((plain,), (timed,)) = (advanced(started(1, wanted, dropout=0.3)) for wanted in ((), (LATENCY_MS,)))
    assert {name: value for name, value in timed.items() if name != LATENCY_MS} == plain


def test_latency_is_that_of_one_example_without_the_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Slow(0.002)
    monkeypatch.setattr(model_cost, "time", SimpleNamespace(perf_counter=lambda: model.now))
    assert latency_ms(model, torch.zeros(1, 4), Precision.FLOAT32) == pytest.approx(2)
    assert set(model.shapes) == {(1, 4)}
    assert model.training
