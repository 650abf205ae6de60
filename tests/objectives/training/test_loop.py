import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from tuner.objectives._components import PARTS
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._splitting import Split
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.training.data import Data, Examples, prepared
from tuner.objectives.training.loop import TrainState, batched, evaluate, gathered, set_lr, train_epoch
from tuner.objectives.training.seeding import seed_epoch


def _examples(rows: int) -> Examples:
    numbers = torch.arange(rows)
    return Examples(features=numbers[:, None].float(), targets=numbers, measured=numbers.numpy())


def _learner(model: nn.Module, *, lr: float = 0.1, clip: float = 0.0, schedule: str = "constant") -> TrainState:
    return TrainState(
        model=model,
        loss=PARTS["loss"]["mean_squared_error"](),
        build_optimizer=lambda: torch.optim.SGD(model.parameters(), lr=lr),
        rule=PARTS["optimizer"]["gradient_descent"](lr=lr, clip=clip),
        lr_schedule=PARTS["lr_schedule"][schedule](),
        batch_size=4,
    )


def batches_of(examples: Examples, batch_size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    order = examples.order(0, 0, batch_size, torch.default_generator)
    return [*gathered(examples, batched(order, batch_size, dim=0))]


@pytest.mark.parametrize(("rows", "sizes"), [(8, [4, 4]), (10, [4, 4, 2]), (3, [3]), (1, [1])])
def test_an_epoch_shows_every_example_once_with_its_own_target(rows: int, sizes: list[int]) -> None:
    batches = batches_of(_examples(rows), 4)
    assert [len(targets) for _, targets in batches] == sizes
    assert sorted(torch.cat([targets for _, targets in batches]).tolist()) == list(range(rows))
    assert all(torch.equal(features[:, 0], targets.float()) for features, targets in batches)


def test_a_last_batch_of_one_is_left_out_as_it_has_no_statistics() -> None:
    assert [len(targets) for _, targets in batches_of(_examples(9), 4)] == [4, 4]
    assert [len(targets) for _, targets in batches_of(_examples(3), 1)] == [1, 1, 1]


def test_the_order_of_an_epoch_depends_on_its_seed_and_number_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        torch.rand(3)
        seed_epoch(seed, epoch, "cpu")
        return [int(target) for _, targets in batches_of(_examples(30), 7) for target in targets]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_training_follows_the_gradient_and_clipping_shortens_the_step() -> None:
    def weight_after_an_epoch(clip: float) -> float:
        model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(model.weight)
        seed_epoch(0, 0, "cpu")
        examples = Examples(features=torch.ones(4, 1), targets=torch.full((4,), 3.0), measured=np.full(4, 3.0))
        train_epoch(_learner(model, clip=clip), examples, epoch=0, max_epochs=1)
        return model.weight.item()

    assert weight_after_an_epoch(clip=0.0) == pytest.approx(0.6)
    assert weight_after_an_epoch(clip=1.0) == pytest.approx(0.1)


def test_class_weights_weigh_a_mean_as_torchs_losses_do() -> None:
    inputs, targets, weights = torch.randn(9, 2), torch.tensor([0] * 7 + [1] * 2), torch.tensor([0.5, 3.0])

    def weights_after_an_epoch(loss_of: Callable[[TrainState], None]) -> torch.Tensor:
        torch.manual_seed(0)
        learner = replace(
            _learner(nn.Linear(2, 2)), loss=PARTS["loss"]["cross_entropy"](), batch_size=9, class_weights=weights
        )
        loss_of(learner)
        weight = learner.model.weight
        assert isinstance(weight, torch.Tensor)
        return weight.detach()

    def by_torch(learner: TrainState) -> None:
        nn.functional.cross_entropy(learner.model(inputs), targets, weight=weights).backward()  # type: ignore[no-untyped-call]
        learner.optimizer.step()

    def by_ours(learner: TrainState) -> None:
        train_epoch(
            learner, Examples(features=inputs, targets=targets, measured=targets.numpy()), epoch=0, max_epochs=1
        )

    def in_micro_batches(learner: TrainState) -> None:
        by_ours(replace(learner, micro_batch=2))

    torch.testing.assert_close(weights_after_an_epoch(by_ours), weights_after_an_epoch(by_torch))
    torch.testing.assert_close(weights_after_an_epoch(in_micro_batches), weights_after_an_epoch(by_torch))


def test_what_a_model_does_to_its_inputs_in_place_is_not_done_to_the_data() -> None:
    data, model = _regression(), nn.Sequential(nn.Threshold(0.5, -7.0, inplace=True), nn.Linear(2, 1))
    before = data.validation.features.clone()
    evaluate(_learner(model), data, data.validation)
    assert torch.equal(data.validation.features, before)


def test_the_schedule_sets_the_rate_by_the_progress_of_the_whole_trial() -> None:
    learner = _learner(nn.Linear(1, 1), lr=0.2, schedule="cosine")
    set_lr(learner, 0.5, 10)
    assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
    train_epoch(learner, _examples(8), epoch=9, max_epochs=10)
    assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * (1 + math.cos(math.pi * 0.975)))


def _regression() -> Data:
    rng = np.random.default_rng(0)
    features, rows = rng.normal(size=(30, 2)).astype(np.float32), np.arange(30)
    steps = [PARTS[kind][name]() for kind, name in (("cleaning", "mean"), ("scaling", "none"))]
    split = Split(train=rows[:20], validation=rows[20:25], test=rows[25:])
    targets = rng.normal(500, 50, 30)
    return prepared(features, targets, task=Task.REGRESSION, split=split, fit=partial(Pipeline, steps), device="cpu")


def test_a_regressor_is_measured_in_the_units_of_its_targets() -> None:
    data, model = _regression(), nn.Linear(2, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    metrics = evaluate(_learner(model), data, data.validation)
    errors = data.validation.measured - data.centre
    assert metrics["mae"] == pytest.approx(np.abs(errors).mean())
    assert metrics["loss"] == pytest.approx(np.square(errors / data.spread).mean(), rel=1e-5)


def test_evaluating_changes_nothing_in_the_model() -> None:
    data = _regression()
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5), nn.Linear(2, 1))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first, second = (evaluate(_learner(model), data, data.validation) for _ in range(2))
    assert first == second
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_model_that_diverged_measures_nan() -> None:
    data, model = _regression(), nn.Linear(2, 1)
    nn.init.constant_(model.weight, math.nan)
    assert all(math.isnan(value) for value in evaluate(_learner(model), data, data.validation).values())
