"""Studies that begin with what earlier ones learned, from the spec to the last trial."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

import tuner
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.study import Confirm
from tuner.domain.trial import TrialRecord
from tuner.running import launch
from tuner.running.components import RunComponents
from tuner.running.resume_request import ResumeRequest
from tuner.storage.store import open_store

pytestmark = pytest.mark.usefixtures("workplace")

SPACE = tuner.SearchSpace(
    x=tuner.Float(0, 1, default=0.1), y=tuner.Float(0, 1, default=0.1), kind=tuner.Choice("plain", "odd")
)
IRIS = tuner.SearchSpace(
    architecture=tuner.Choice(mlp={"width": tuner.Choice(8, 16), "dropout": tuner.Float(0.0, 0.5)}),
    loss=tuner.Choice("cross_entropy"),
    optimizer=tuner.Choice(adam={"lr": tuner.Float(1e-3, 1e-1, log=True)}),
)


def near(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    """Better the nearer to (0.7, 0.3)."""
    distance = math.dist((trial.config["x"], trial.config.get("y", 0.3)), (0.7, 0.3))
    for epoch in range(trial.epoch, trial.max_epochs):
        yield {"score": -distance * (1 + 1 / (1 + epoch)), "other": distance}


def spec(name: str, trials: int = 24, **given: Any) -> tuner.StudySpec:
    return tuner.StudySpec(
        **{
            "objective": near,
            "search_space": SPACE,
            "metric": "score",
            "name": name,
            "budget": tuner.Budget(trials=trials, epochs=3),
            "executor": "inline",
            "confirm": Confirm(run=False),
            **given,
        }
    )


def iris(name: str, trials: int = 16, **given: Any) -> tuner.StudySpec:
    """Return a study whose trials are trained in cohorts, by their width."""
    return spec(
        name,
        objective="supervised",
        search_space=IRIS,
        metric="accuracy",
        budget=tuner.Budget(trials=trials, epochs=1),
        settings={"dataset": "iris"},
        **given,
    )


class Interrupting(Listener):
    """Ends the process's run, as far as one process can, when so many trials are over."""

    def __init__(self, after: int) -> None:
        self.left = after

    def notify(self, event: Event) -> None:
        self.left -= event.kind is EventKind.FINISHED
        if not self.left:
            raise KeyboardInterrupt


def interrupted(asked: tuner.StudySpec, after: int) -> None:
    with pytest.raises(tuner.StudyInterrupted):
        launch.run(asked, listeners=lambda *_: [Interrupting(after)])


def facts(study: tuner.Study) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, t.config, t.value, t.epoch, t.metrics, t.curve) for t in study.trials]


def test_the_first_trials_are_the_default_and_the_best_of_the_earlier_study_best_first() -> None:
    before = tuner.run(spec("before"))
    after = tuner.run(spec("after", warm_start=["before"]))
    assert [trial.config for trial in after.trials[:4]] == [SPACE.default, *(each.config for each in before.top(3))]
    assert len(after.trials) == 24


def test_a_warm_start_reaches_the_best_of_the_earlier_study_within_its_first_trials() -> None:
    before = tuner.run(spec("before", trials=40))
    warm = tuner.run(spec("warm", warm_start=["before"], seed=1))
    cold = tuner.run(spec("cold", seed=1))

    def reached(study: tuner.Study) -> float:
        goal = before.best_trial.value or 0.0
        return next((t.number for t in study.trials if t.value is not None and t.value >= goal), math.inf)

    assert reached(warm) == 1
    assert reached(cold) > 1
    assert (warm.best_trial.value or 0) >= (cold.best_trial.value or 0)


def resumed_without(source: str, asked: tuner.StudySpec, after: int) -> tuner.Study:
    """Return a study that was interrupted, and went on when what it was started from was gone."""
    interrupted(asked, after)
    store = open_store(None)
    store.delete(source)
    store.close()
    launch.resume(asked.name, ResumeRequest(spec=asked))
    return tuner.load_study(asked.name)


@pytest.mark.parametrize("after", [1, 9])
def test_an_interrupted_warm_start_ends_as_an_uninterrupted_one_though_the_source_is_gone(after: int) -> None:
    tuner.run(spec("before"))
    whole = tuner.run(spec("whole", warm_start=["before"], seed=1))
    assert facts(resumed_without("before", spec("cut", warm_start=["before"], seed=1), after)) == facts(whole)


def test_cohorts_begin_with_what_was_carried_over_too_and_go_on_as_if_never_interrupted() -> None:
    best = [trial.config for trial in tuner.run(iris("before", trials=4)).top(4) if trial.number]
    whole = tuner.run(iris("whole", warm_start=["before"], seed=1))
    assert whole.trials[0].config == IRIS.default
    first = [trial.config for trial in whole.trials[1:3]]
    assert sorted(first, key=best.index) == best[:2]
    assert facts(resumed_without("before", iris("cut", warm_start=["before"], seed=1), 2)) == facts(whole)


def test_what_was_carried_over_is_written_down_with_the_study() -> None:
    before = tuner.run(spec("before"))
    tuner.run(spec("after", warm_start=["before"]))
    stored = open_store(None).study("after").notes["warm_start"]
    assert stored[0] == {"study": "before", "number": before.best_trial.number, "config": before.best_trial.config}
    assert len(stored) == 3


def test_what_was_confirmed_to_be_best_goes_first() -> None:
    before = tuner.run(spec("before", confirm=Confirm(run=True, top=3, seeds=2)))
    assert before.confirmation is not None
    after = tuner.run(spec("after", warm_start=["before"]))
    best = [each.config for each in before.confirmation.candidates if each.number]
    assert [trial.config for trial in after.trials[1:3]] == best


def test_studies_of_plain_optuna_can_be_started_from(workplace: Path) -> None:
    tuner.run(spec("ours", trials=1))
    plain = optuna.create_study(
        storage=f"sqlite:///{workplace}/.tuner/studies.db", study_name="plain", direction="maximize"
    )
    plain.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    after = tuner.run(spec("after", warm_start="plain"))
    assert after.trials[1].config["x"] == plain.best_params["x"]


def test_all_that_keeps_a_study_from_starting_warm_is_told_before_anything_is_written() -> None:
    tuner.run(spec("before", trials=1))
    tuner.run(spec("elsewhere", trials=1, search_space=tuner.SearchSpace(z=tuner.Float(0, 1), x=tuner.Float(0, 1))))
    other = tuner.SearchSpace(z=tuner.Float(0, 1))
    with pytest.raises(tuner.ConfigurationError) as raised:
        tuner.run(spec("after", search_space=other, direction="minimize", warm_start=["beforr", "before", "elsewhere"]))
    assert [re.sub(" in /.*;", ";", problem) for problem in raised.value.problems] == [
        "warm_start: no study 'beforr'; did you mean 'before'?",
        "warm_start: study 'before' is to maximize score, this one to minimize it",
        "warm_start: study 'before' has no parameter in common with this search space",
        "warm_start: study 'elsewhere' is to maximize score, this one to minimize it",
    ]
    with pytest.raises(tuner.StudyNotFoundError):
        tuner.load_study("after")


def test_a_study_that_learned_nothing_cannot_be_started_from() -> None:
    interrupted(spec("begun"), 0)
    with pytest.raises(tuner.ConfigurationError, match="'begun' has no completed trial to learn from"):
        tuner.run(spec("after", warm_start=["begun"]))


def test_what_may_not_be_meant_is_noted() -> None:
    def noted(asked: tuner.StudySpec) -> tuple[str, ...]:
        seen: list[RunComponents] = []

        def watch(components: RunComponents, _: Sequence[TrialRecord]) -> list[Listener]:
            seen.append(components)
            return []

        launch.run(asked, listeners=watch)
        return seen[0].notes

    tuner.run(spec("before", trials=1))
    assert noted(spec("other", metric="other", direction="minimize", warm_start=["before"])) == (
        "warm start: the best of before are those by score, not by other",
        "warm start: no configuration is transferred: each breaks a rule of the search space or is its default",
    )


def test_a_study_cannot_go_on_with_another_warm_start() -> None:
    tuner.run(spec("before", trials=1))
    tuner.run(spec("after", trials=8, warm_start=["before"]))
    with pytest.raises(tuner.ResumeRefusedError, match=r"~ warm_start: \['before'\] -> None"):
        launch.resume("after", ResumeRequest(spec=replace(spec("after"), warm_start=())))
