"""What training many trials at once takes: the data is there once, whoever is trained on it."""

import weakref
from collections import Counter
from typing import Any

import pytest
import torch
from memory_checkpoints import Forgetful
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tuner.domain.config import Config
from tuner.domain.trial import Trial
from tuner.objectives._tasks import Task
from tuner.objectives.training.batched import BatchedTrainer, CohortMember
from tuner.objectives.training.data import EVALUATED_AT_ONCE, Data, Examples
from tuner.objectives.training.flat_state import FlatState, Layout
from tuner.objectives.training.loop import TrainState
from tuner.objectives.training.trainer_factory import learner_of

FEATURES = 200
MEMBERS = 16


class MemoryInUse(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the memory of the tensors that operations have returned and that are still held, and the most there was.

    Views of a tensor hold all of it.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._bytes: dict[int, int] = {}
        self._holders: Counter[int] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for each in found if isinstance(found, list | tuple) else (found,):
            if isinstance(each, Tensor):
                self._hold(each)
        return found

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
        self._bytes[address] = storage.nbytes()
        self._holders[address] += 1
        weakref.finalize(tensor, self._let_go, address)
        self.most = max(self.most, sum(self._bytes.values()))

    def _let_go(self, address: int) -> None:
        self._holders[address] -= 1
        if not self._holders[address]:
            self._bytes.pop(address, None)


def examples(count: int) -> Examples:
    targets = torch.arange(count) % 3
    return Examples(features=torch.rand(count, FEATURES), targets=targets, measured=targets.numpy())


def batch(*several: Examples) -> BatchedTrainer:
    """Return a batch of 16 members, those of the same remainder with the same examples."""
    members: list[tuple[CohortMember, FlatState]] = []
    learner: TrainState | None = None
    for number in range(MEMBERS):
        mine = several[number % len(several)]
        data = Data(task=Task.CLASSIFICATION, outputs=3, train=mine, validation=mine, make_test=lambda: examples(1))
        config = Config({"optimizer": {"name": "sgd", "lr": 0.01}, "batch_size": 32})
        trial = Trial(
            config=config, number=number, seed=number, device="cpu", epoch=0, max_epochs=2, settings=Config({}),
            checkpoints=Forgetful(),
        )  # fmt: skip
        from tuner.objectives.losses.cross_entropy import CrossEntropy  # noqa: PLC0415 - loaded by name elsewhere
        from tuner.objectives.training.precision import Precision  # noqa: PLC0415

        learner = learner_of(trial, data, lambda: nn.Linear(FEATURES, 3), CrossEntropy(), precision=Precision.FLOAT32)
        layout = Layout.of(learner.model)
        members.append((CohortMember.of(trial, data, learner), FlatState.of(learner, layout)))
    assert learner is not None
    return BatchedTrainer(learner.model, layout, members, learner.batch_size, learner.precision)


@pytest.mark.parametrize("kinds", [1, 2, 4])
def test_an_epoch_of_sixteen_members_takes_the_memory_of_the_examples_and_no_multiple(kinds: int) -> None:
    several = [examples(1 << 13) for _ in range(kinds)]
    data = sum(each.features.untyped_storage().nbytes() for each in several)
    fixed, trained = MemoryInUse(), batch(*several)
    with fixed:
        trained.train(dict.fromkeys(range(MEMBERS), 0), max_epochs=2)
        trained.evaluate()
    assert fixed.most <= 3 * data


def test_many_validation_examples_are_evaluated_for_a_few_members_at_a_time() -> None:
    trained = batch(examples(30_000))
    fixed = MemoryInUse()
    with fixed:
        metrics = trained.evaluate()
    assert metrics.keys() == set(range(MEMBERS))
    alone = (30_000 + EVALUATED_AT_ONCE) * FEATURES * 4  # a model may change what it is shown, so that is a copy
    assert fixed.most <= 1.1 * alone
