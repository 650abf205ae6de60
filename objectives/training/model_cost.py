"""Cost of a model: number of weights and latency of one prediction."""

import time
from collections.abc import Collection
from statistics import median

import torch
from torch import Tensor, nn

from tuner.domain.goal import LATENCY_MS, PARAMETERS
from tuner.objectives.training.data import Data
from tuner.objectives.training.loop import TrainState
from tuner.objectives.training.many_rows import ManyRows
from tuner.objectives.training.precision import Precision

_WARM_UPS = 3
_TIMED = 15


def footprint(learner: TrainState, data: Data, wanted: Collection[str]) -> dict[str, float]:
    """Return how many weights the model has and, where that is wanted, how long it takes for one example."""
    model = learner.model
    count = model.num_weights if isinstance(model, ManyRows) else sum(each.numel() for each in model.parameters())
    found = {PARAMETERS: float(count)}
    if LATENCY_MS in wanted:
        found[LATENCY_MS] = latency_ms(model, learner.reads(data.validation.features[:1].clone()), learner.precision)
    return found


@torch.no_grad()
def latency_ms(model: nn.Module, example: Tensor, precision: Precision) -> float:
    """Return how long the model takes for one example, in milliseconds: the median of several, after a few more."""
    was_training = model.training
    model.eval()
    times = [_timed(model, example, precision) for _ in range(_WARM_UPS + _TIMED)]
    model.train(was_training)
    return 1000 * median(times[_WARM_UPS:])


def _timed(model: nn.Module, example: Tensor, precision: Precision) -> float:
    began = time.perf_counter()
    with precision.forward_on(example.device):
        model(example)
    if example.device.type == "cuda":
        torch.cuda.synchronize(example.device)  # until then the work is only queued
    return time.perf_counter() - began
