"""Questions about a stored study: pure functions of its trials."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from tuner.analysis.confirmation import Confirmation, confirmation_of, tested_candidates
from tuner.analysis.study_answer import StudyAnswer, study_answer
from tuner.domain import ranking
from tuner.domain.batching import Batching
from tuner.domain.expected_gain import ExpectedGain, expected_gain
from tuner.domain.fidelity import FidelityUnit
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import Metrics, TrialRecord, TrialState
from tuner.domain.trial_counts import TrialCounts, tally_of


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A study in a few numbers: how far it is, its best trial and what tuning gained.

    `target` is None for a study that plain Optuna made. `best` is what was confirmed to be best, or else has the best
    value, of the first metric where there are several. `default` is trial 0, the configuration one would have used
    without tuning; `gain` is how much better the best value is, positive whichever way the metric is better.
    """

    study: StudyRecord
    counts: dict[TrialState, int]
    target: int | None
    best: TrialRecord | None
    front: tuple[TrialRecord, ...]
    """The Pareto front, `best` first; with one metric that is all of it."""
    nearest_miss: TrialRecord | None
    """Where no trial meets the constraints, the one that breaks them least."""
    default: TrialRecord | None
    gain: float | None
    test_metrics: Metrics | None
    test_failure: str
    epochs: int
    """Epochs trained, or how much of the study's unit, over all trials."""
    violating: int
    """The number of finished trials that break a constraint."""
    batching: Batching = field(default_factory=Batching)
    """How many trials were trained as one, and why the others were not."""
    tested: tuple[int, ...] = ()
    """The numbers of the trials whose configurations were measured on the test split: one, if it was used once."""
    expected_gain: ExpectedGain | None = None
    """By how much the trials that are left are expected to better the best value; None where that is not known."""
    confirmation: Confirmation | None = None
    """What training the best configurations again has shown; None where that was not done, or not since."""
    answer: StudyAnswer | None = None
    """What the study hands out as its model; None where nothing was settled, or not since."""

    @property
    def unit(self) -> FidelityUnit:
        """What the study counts its trials' training in."""
        return self.study.fidelity.unit

    @property
    def finished(self) -> int:
        """The number of trials that are over."""
        return sum(count for state, count in self.counts.items() if state.is_finished)

    @property
    def is_complete(self) -> bool:
        """Whether the study has all of its trials, or has ended early as it was asked to."""
        cause = self.study.stop_cause
        has_ended = cause is not None and cause.is_early_end
        return self.target is not None and (has_ended or self.finished >= self.target)


def front(
    study: StudyRecord, trials: Sequence[TrialRecord], repetitions: Sequence[TrialRecord] = ()
) -> tuple[TrialRecord, ...]:
    """Return the Pareto front, the best in the first metric first: only the best trial where there is one metric."""
    if not study.goal.has_several:
        return top(study, trials, 1, repetitions)
    return ranking.front(trials, study.goal)


def nearest_miss(study: StudyRecord, trials: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the trial that breaks the constraints least; None where none breaks any."""
    return ranking.nearest_miss(trials, study.goal)


def top(
    study: StudyRecord, trials: Sequence[TrialRecord], count: int, repetitions: Sequence[TrialRecord] = ()
) -> tuple[TrialRecord, ...]:
    """Return the `count` best trials, the best first: complete ones that meet the constraints.

    Those that were confirmed come before the others, and with several metrics those of the Pareto front.
    """
    return _led(study, trials, count, confirmed(study, trials, repetitions))


def _led(
    study: StudyRecord, trials: Sequence[TrialRecord], count: int, confirmation: Confirmation | None
) -> tuple[TrialRecord, ...]:
    """Return the `count` best trials, those that were confirmed before the others."""
    if confirmation is None:
        return ranking.ranked(trials, study.goal, count)
    order = {each.number: place for place, each in enumerate(confirmation.candidates)}
    best = sorted(ranking.ranked(trials, study.goal), key=lambda trial: order.get(trial.number, len(order)))
    return tuple(best[:count])


def confirmed(
    study: StudyRecord, trials: Sequence[TrialRecord], repetitions: Sequence[TrialRecord]
) -> Confirmation | None:
    """Return what the repetitions say; None where there are none, or the search has found something better since."""
    found = confirmation_of(trials, repetitions, study.goal)
    best = ranking.best(trials, study.goal)
    if found is None or best is None:
        return None
    return found if any(each.config == best.config for each in found.candidates) else None


def summarise(
    study: StudyRecord,
    trials: Sequence[TrialRecord],
    repetitions: Sequence[TrialRecord] = (),
    tally: TrialCounts | None = None,
    expected: ExpectedGain | None = None,
) -> Summary:
    """Return the study in a few numbers; `repetitions` are those of its best configurations.

    With a `tally` of all trials, and the gain that is `expected` by all, `trials` need only be the first one, the best
    ones and those that were trained again.
    """
    target = study.spec["budget"]["trials"] if study.spec else None
    if tally is None and target is not None:
        expected = expected_gain(trials, study.goal, target)
    tally = tally or tally_of(trials, study.goal)
    confirmation = confirmed(study, trials, repetitions)
    led = _led(study, trials, 1, confirmation)
    best = next(iter(led), None)
    default = _default(study, trials)
    test = _test_of(study, best)
    return Summary(
        study=study,
        counts={state: tally.states.get(state, 0) for state in TrialState},
        target=target,
        best=best,
        front=ranking.front(trials, study.goal) if study.goal.has_several else led,
        nearest_miss=nearest_miss(study, trials) if best is None else None,
        default=default,
        gain=_gain(best, default, study.direction),
        test_metrics=_test_metrics(confirmation) or test.get("metrics"),
        test_failure=test.get("failure", ""),
        epochs=tally.epochs,
        violating=tally.violating,
        batching=Batching.of(study.notes),
        tested=_tested(study, trials, repetitions),
        expected_gain=expected,
        confirmation=confirmation,
        answer=study_answer(study, best, confirmation),
    )


def _test_of(study: StudyRecord, best: TrialRecord | None) -> Mapping[str, Any]:
    """Return what the test of the best trial gave; nothing where another one was tested."""
    test: Mapping[str, Any] = study.notes.get("test", {})
    return test if best is not None and test.get("number") == best.number else {}


def _default(study: StudyRecord, trials: Sequence[TrialRecord]) -> TrialRecord | None:
    # In a study that plain Optuna made, trial 0 is a trial like any other.
    return next((trial for trial in trials if study.spec and trial.number == 0 and trial.value is not None), None)


def _tested(study: StudyRecord, trials: Sequence[TrialRecord], repetitions: Sequence[TrialRecord]) -> tuple[int, ...]:
    searched = study.tested if "metrics" in study.notes.get("test", {}) else ()  # without: there is no test split
    return tuple(sorted({*searched, *tested_candidates(trials, repetitions)}))


def _test_metrics(confirmation: Confirmation | None) -> Metrics | None:
    return {name: each.mean for name, each in confirmation.test.items()} if confirmation is not None else None


def busy_seconds(trials: Sequence[TrialRecord]) -> float:
    """Return how many seconds at least one of the trials ran: pauses between runs do not count."""
    spans = sorted((each.started, each.finished) for each in trials if each.started and each.finished)
    total, reached = 0.0, None
    for begin, end in spans:
        begins = begin if reached is None else max(begin, reached)
        total += max(0.0, (end - begins).total_seconds())
        reached = end if reached is None else max(reached, end)
    return total


def failure_reasons(trials: Sequence[TrialRecord]) -> tuple[tuple[str, int], ...]:
    """Return the messages of the failed trials with their counts, the most frequent first.

    Those that differ only in numbers are one, and the first of them stands for it.
    """
    failures = [trial.failure for trial in trials if trial.failure is not None]
    counts = Counter(failure.pattern for failure in failures)
    first = {failure.pattern: failure.summary for failure in reversed(failures)}
    return tuple((first[pattern], count) for pattern, count in counts.most_common())


def in_state(trials: Sequence[TrialRecord], state: TrialState | None) -> tuple[TrialRecord, ...]:
    """Return the trials in `state`; all of them for None."""
    return tuple(trial for trial in trials if state is None or trial.state is state)


def as_json(study: StudyRecord, trial: TrialRecord, confirmation: Confirmation | None = None) -> dict[str, Any]:
    """Return the trial as the command line prints it with --json, with what was confirmed of it.

    `values` are those of the study's metrics, in their order.
    """
    violated = [str(each) for each in study.goal.violated(trial.metrics)]
    candidate = confirmation.candidate(trial.number) if confirmation is not None else None
    return {
        "number": trial.number,
        "state": trial.state.value,
        "value": trial.value,
        "values": list(ranking.values(trial, study.goal)),
        "epoch": trial.epoch,
        "config": trial.config,
        "metrics": dict(trial.metrics),
        **({"violated": violated} if study.constraints else {}),
        **({"schedule": [stage.describe() for stage in trial.schedule]} if trial.schedule else {}),
        **({"confirmed": candidate.estimate.describe()} if candidate is not None else {}),
    }


def as_row(study: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    """Return the trial as a row of a table: parameters by path under `params.`, metrics under `metrics.`."""
    params = study.space.flatten(trial.config) if study.space is not None else dict(trial.config)
    return {
        "number": trial.number,
        "state": trial.state.value,
        "value": trial.value,
        "epoch": trial.epoch,
        "seconds": trial.seconds,
        **({"violated": "; ".join(map(str, study.goal.violated(trial.metrics)))} if study.constraints else {}),
        **{f"params.{path}": value for path, value in params.items()},
        **{f"metrics.{name}": value for name, value in trial.metrics.items()},
        **({"schedule": json.dumps([stage.describe() for stage in trial.schedule])} if trial.schedule else {}),
    }


def _gain(best: TrialRecord | None, default: TrialRecord | None, direction: Direction) -> float | None:
    if best is None or default is None or best.value is None or default.value is None:
        return None
    return direction.sign * (best.value - default.value)
