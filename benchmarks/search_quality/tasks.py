"""Tasks: surrogates of real learning curves, which say what a configuration measures after each epoch."""

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config

LCBENCH = {
    "tuned": ("7593", "126025", "146212", "167149", "167181", "168329", "189862", "189906"),
    "reported": ("3945", "34539", "126026", "167104", "167168", "168331", "168908", "189354", "189866", "189909"),
}
XGBOOST = {
    "tuned": ("1040", "12", "1462", "40670"),
    "reported": ("15", "44", "46", "1063", "1487", "41146"),
}

SAMPLE = 10_000
"""Number of random configurations from which the median one and the best known one are taken."""

FULL_TRAININGS = 64
"""A run may spend as many epochs as a third of this many full trainings."""

_TREES = {
    "eta": Float(1e-3, 1.0, log=True),
    "gamma": Float(5e-5, 7.3, log=True),
    "max_depth": Int(1, 15),
    "min_child_weight": Float(2.8, 148.0, log=True),
    "colsample_bytree": Float(0.01, 1.0),
    "colsample_bylevel": Float(0.01, 1.0),
}
_XGBOOST_INPUTS = (
    *("nrounds", "eta", "gamma", "reg_lambda", "alpha", "subsample", "max_depth", "min_child_weight"),
    *("colsample_bytree", "colsample_bylevel", "rate_drop", "skip_drop"),
)
_XGBOOST_EPOCHS = 27
_XGBOOST_REPETITION = 5.0


@dataclass(frozen=True)
class Task:
    """A surrogate of one data set: what its configurations measure after each epoch, to be maximized."""

    name: str
    space: SearchSpace
    epochs: int
    session: onnxruntime.InferenceSession
    codes: Callable[[Config], list[int]]
    numbers: Callable[[Config, int], list[float]]
    output: int

    @property
    def budget(self) -> int:
        """The number of epochs that a run may spend."""
        return FULL_TRAININGS * self.epochs // 3

    def curve(self, config: Config) -> NDArray[np.float64]:
        """Return the metric after each epoch."""
        return self._metric([(config, epoch) for epoch in range(1, self.epochs + 1)])

    def final(self, configs: Sequence[Config]) -> NDArray[np.float64]:
        """Return the metric of each configuration after its last epoch."""
        return self._metric([(config, self.epochs) for config in configs])

    @functools.cached_property
    def scale(self) -> tuple[float, float]:
        """The best and the median of many random configurations."""
        draw = Random(0)
        configs = [self.space.build(lambda _, each: each.at(draw.random())) for _ in range(SAMPLE)]
        values = self.final(configs)
        return float(values.max()), float(np.median(values))

    def _metric(self, rows: Sequence[tuple[Config, int]]) -> NDArray[np.float64]:
        inputs = {
            "x_cat": np.array([self.codes(config) for config, _ in rows], dtype=np.int32),
            "x_cont": np.array([self.numbers(config, epoch) for config, epoch in rows], dtype=np.float32),
        }
        (outputs,) = self.session.run(None, inputs)
        return np.asarray(outputs[:, self.output], dtype=np.float64)


def lcbench(data: Path, ids: Sequence[str]) -> Iterator[Task]:
    """Yield neural networks trained for 52 epochs, whose first report is hardly better than untrained."""
    folder = data / "yahpo_lcbench"
    encoding = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]
    session = opened(folder / "model.onnx")
    space = SearchSpace(
        batch_size=Int(16, 512, log=True),
        learning_rate=Float(1e-4, 1e-1, log=True),
        momentum=Float(0.1, 0.99),
        weight_decay=Float(1e-5, 1e-1),
        num_layers=Int(1, 5),
        max_units=Int(64, 1024, log=True),
        max_dropout=Float(0.0, 1.0),
    )
    for each in ids:
        code = encoding[each]
        yield Task(
            name=f"lcbench {each}",
            space=space,
            epochs=52,
            session=session,
            codes=lambda _, code=code: [code],  # type: ignore[misc]
            numbers=lambda config, epoch: [float(epoch), *(float(config[name]) for name in space.parameters)],
            output=1,
        )


def xgboost(data: Path, ids: Sequence[str]) -> Iterator[Task]:
    """Yield XGBoost on 1/27, 2/27, ... of the training data: a conditional space of mixed parameters."""
    folder = data / "yahpo_rbv2_xgboost"
    encoding = json.loads((folder / "encoding.json").read_text())
    session = opened(folder / "model.onnx")
    space = _xgboost_space()
    for each in ids:
        code = encoding["task_id"][each]
        yield Task(
            name=f"xgboost {each}",
            space=space,
            epochs=_XGBOOST_EPOCHS,
            session=session,
            codes=lambda config, code=code: [  # type: ignore[misc]
                code,
                encoding["booster"][config["booster"]["name"]],
                encoding["num.impute.selected.cpo"][config["impute"]],
            ],
            numbers=_xgboost_numbers,
            output=0,
        )


def opened(path: Path) -> onnxruntime.InferenceSession:
    """Return the surrogate in `path`, which computes in one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _xgboost_space() -> SearchSpace:
    drop = {"rate_drop": Float(0.0, 1.0), "skip_drop": Float(0.0, 1.0)}
    return SearchSpace(
        booster=Choice("gblinear", gbtree=_TREES, dart={**_TREES, **drop}),
        impute=Choice("impute.mean", "impute.median", "impute.hist"),
        nrounds=Int(7, 2981, log=True),
        subsample=Float(0.1, 1.0),
        alpha=Float(1e-3, 1e3, log=True),
        reg_lambda=Float(1e-3, 1e3, log=True),
    )


def _xgboost_numbers(config: Config, epoch: int) -> list[float]:
    known = {**config, **config["booster"]}
    return [
        *(float(known.get(name, 0.0)) for name in _XGBOOST_INPUTS),
        epoch / _XGBOOST_EPOCHS,
        _XGBOOST_REPETITION,
    ]
