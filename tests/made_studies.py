"""Studies made up for reports, as a search would have left them."""

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tuner import Choice, Float, Int, SearchSpace
from tuner.analysis.importance import importance_of
from tuner.analysis.importance.encoding import axes_of, values_of
from tuner.analysis.queries import summarise
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.study import Direction, StudySpec
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState
from tuner.storage.location import locate
from tuner.study_report.data import ReportData

BEGAN = datetime(2026, 1, 1)  # noqa: DTZ001 - as Optuna stores it
SPACE = SearchSpace(
    optimizer=Choice(adamw={"lr": Float(1e-4, 1e-1, log=True)}, sgd={"lr": Float(1e-3, 1.0, log=True)}),
    depth=Int(1, 3),
    activation=Choice("relu", "tanh"),
)
SPEC = StudySpec(
    objective="supervised",
    search_space="tabular",
    metric="accuracy",
    direction="maximize",
    settings={"dataset": "wine"},
).describe()
RUNGS = (1, 3, 9, 27)


def study(name: str = "made-up", **given: Any) -> StudyRecord:
    """A stored study; of plain Optuna's where `spec` and `space` are empty."""
    usual = {
        "goal": Goal.of("accuracy", Direction.MAXIMIZE),
        "space": SPACE,
        "rules": (),
        "spec": SPEC,
        "source": {"study": "wine", "overrides": {"budget.trials": 64}, "folder": "/"},
        "notes": {},
    }
    return StudyRecord(name=name, **{**usual, **given})


def trial(number: int, state: TrialState = TrialState.COMPLETE, **given: Any) -> TrialRecord:
    """A trial with a configuration of its own, the first with the default one, that took a second."""
    began = BEGAN + timedelta(seconds=number)
    config = SPACE.at(dict.fromkeys(SPACE.parameters, number * 0.618 % 1)) if number else SPACE.default
    usual = {"config": config, "started": began, "finished": began + timedelta(seconds=1)}
    return TrialRecord(number=number, state=state, **{**usual, **given})


def failed(number: int, message: str, traceback: str = "") -> TrialRecord:
    """A trial that raised."""
    failure = Failure(reason=FailureReason.RAISED, message=message, traceback=traceback)
    return trial(number, TrialState.FAIL, failure=failure)


def searched(count: int, space: SearchSpace = SPACE, seed: int = 1) -> list[TrialRecord]:
    """Trials at random, the poorer ones stopped at the rungs 1, 3 and 9 of 27 epochs."""
    draw = random.Random(seed)
    trials = []
    for number in range(count):
        config = space.at({path: draw.random() for path in space.parameters}) if number else space.default
        quality = _quality(config) + draw.gauss(0, 0.02)
        reached = 27 if number == 0 else RUNGS[min(3, int(4 * max(0.0, quality) ** 2))]
        curve = {epoch: quality * (1 - math.exp(-epoch / 4)) for epoch in range(1, reached + 1)}
        trials.append(
            trial(
                number,
                TrialState.COMPLETE if reached == RUNGS[-1] else TrialState.PRUNED,
                config=config,
                value=curve[reached],
                epoch=reached,
                metrics={"accuracy": curve[reached], "loss": 1 - curve[reached]},
                curve=curve,
                finished=BEGAN + timedelta(seconds=number + reached / 2),
            )
        )
    return trials


def _quality(config: Config) -> float:
    optimizer: Mapping[str, Any] = config["optimizer"]
    distance = abs(math.log10(optimizer["lr"]) + 2.5)
    return (1.0 if optimizer["name"] == "adamw" else 0.7) - 0.2 * distance


def repeated(trials: Sequence[TrialRecord], numbers: Sequence[int], *spread: float) -> list[TrialRecord]:
    """Trainings of these trials' configurations again, each so far below what the search had shown."""
    tested = {"accuracy": 0.5}
    return [
        replace(trials[number], number=index, value=(trials[number].value or 0) - below, test_metrics=tested)
        for index, (number, below) in enumerate(itertools.product(numbers, spread))
    ]


def material(
    record: StudyRecord | None = None,
    trials: Sequence[TrialRecord] = (),
    repetitions: Sequence[TrialRecord] = (),
    **given: Any,
) -> ReportData:
    """What a report is written from."""
    record = record or study()
    values = {each.number: values_of(record, each) for each in trials}
    usual = {
        "repetitions": repetitions,
        "summary": summarise(record, trials, repetitions),
        "importance": importance_of(record, trials),
        "values": values,
        "axes": axes_of(record.space, tuple(values.values())),
        "storage": "/somewhere/studies.db",
        "location": locate(None),
        "environment": {"python": "3.11.0"},
        "is_own_environment": False,
        "written": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return ReportData(study=record, trials=trials, **{**usual, **given})
