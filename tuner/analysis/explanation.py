"""Why a trial has its configuration, how it was judged at each rung, and what ended it: from what is stored."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, final

from tuner.domain.decision import Comparison, Decision, Yardstick
from tuner.domain.fidelity import FidelityUnit
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.run_controller import StopCause
from tuner.domain.study_record import EXTENDED, StudyRecord
from tuner.domain.trial import TrialRecord, TrialState
from tuner.domain.trial_history import TrialHistory
from tuner.formatting.values import amount, number


class Ending(Enum):
    """What ended a trial, or why it is not over."""

    TRAINED = "trained"
    """It was trained as far as the budget goes."""
    CONVERGED = "converged"
    """The scheduler found that more training would not help it."""
    BY_ITSELF = "by_itself"
    """Its objective ended before the budget did."""
    STOPPED = "stopped"
    """The scheduler stopped it: others are better."""
    CONSTRAINT = "constraint"
    """It breaks a constraint that no training makes it meet."""
    FAILED = "failed"
    RUNNING = "running"
    WAITING = "waiting"
    """It continues when the study does."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one trial is what it is.

    `origin` is None where it was not stored. `decisions` are by the epoch of the report that was judged. `unknown` are
    sentences about what cannot be known any more.
    """

    study: StudyRecord
    trial: TrialRecord
    origin: Origin | None
    decisions: Mapping[int, tuple[Comparison, ...]]
    ending: Ending
    unknown: tuple[str, ...]

    @property
    def unit(self) -> FidelityUnit:
        """What the study counts its trials' training in."""
        return self.study.fidelity.unit

    @property
    def why_configuration(self) -> tuple[str, ...]:
        """Sentences about where the configuration came from."""
        return (*_begins(self), *_exploits(self))

    @property
    def why_ended(self) -> str:
        """A sentence about what ended the trial."""
        return _END[self.ending](self)

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        decisions = {epoch: [each.describe() for each in compared] for epoch, compared in self.decisions.items()}
        return {
            "number": self.trial.number,
            "state": self.trial.state.value,
            "value": self.trial.value,
            "epoch": self.trial.epoch,
            "config": self.trial.config,
            "origin": None if self.origin is None else self.origin.describe(),
            "schedule": [stage.describe() for stage in self.trial.schedule],
            "decisions": decisions,
            "ending": self.ending.value,
            "why_configuration": list(self.why_configuration),
            "why_ended": self.why_ended,
            "unknown": list(self.unknown),
        }

    def __str__(self) -> str:
        judged = [
            f"{self.unit.at(each.rung)}: {shown(each, each.value)}, {needed(each)}: {outcome(self.trial, each)}"
            for compared in self.decisions.values()
            for each in compared
        ]
        return "\n".join([*self.why_configuration, *judged, self.why_ended, *self.unknown])


def explain(study: StudyRecord, trial: TrialRecord, history: TrialHistory) -> Explanation:
    """Return why a trial of a study is what it is."""
    origin = trial.origin
    if origin is None and trial.number == 0 and study.spec:
        origin = Origin(kind=OriginKind.DEFAULT)
    ending = _ending(study, trial, history)
    return Explanation(
        study=study,
        trial=trial,
        origin=origin,
        decisions=history.decisions,
        ending=ending,
        unknown=tuple(_unknown(origin, history, ending)),
    )


def shown(comparison: Comparison, value: float) -> str:
    """Return a value of a comparison as text: a metric's, or a place by all metrics."""
    return f"{value:.0f}" if comparison.yardstick is Yardstick.FRONT else number(value)


def needed(comparison: Comparison) -> str:
    """Return in words what the trial's value was compared with."""
    value, count = number(comparison.needed), comparison.compared
    if comparison.yardstick is Yardstick.BEST:
        return f"needed {value}, to be among the best {comparison.places} of {count}"
    if comparison.yardstick is Yardstick.FRONT:
        return f"its place among {count} by all metrics; the first {comparison.places} and the whole front continue"
    if comparison.yardstick is Yardstick.CONSTRAINTS:
        return f"beyond its constraints; needed {value}, to be among the best {comparison.places} of {count}"
    if comparison.yardstick is Yardstick.MEDIAN:
        return f"needed {value}, the median of {amount(count, 'other trial')}"
    return f"for {count} nothing beyond {value}"


def outcome(trial: TrialRecord, comparison: Comparison) -> str:
    """Return in words what followed from a comparison."""
    if comparison.decision is Decision.STOP and trial.number == 0:
        return "not among them; the default configuration continues all the same"
    words = {Decision.CONTINUE: "continue", Decision.STOP: "stop", Decision.FINISH: "finish: it has converged"}
    return words[comparison.decision]


def _begins(explanation: Explanation) -> Iterator[str]:
    origin = explanation.origin
    if origin is None:
        return
    yield _BEGIN[origin.kind](explanation, origin)
    if origin.is_drawn:
        yield f"drawn at random in the end: the {origin.rejected} proposals broke a rule or had been tried"
    elif origin.rejected:
        yield f"{amount(origin.rejected, 'proposal')} before it broke a rule or had been tried"
    if origin.fixed:
        given = ", ".join(f"{path} = {value}" for path, value in origin.fixed.items())
        yield f"fixed, so that it could train in its cohort: {given}"


def _exploits(explanation: Explanation) -> Iterator[str]:
    trial, unit = explanation.trial, explanation.unit
    for stage in trial.schedule:
        if stage.source is not None:
            begun = f"after {unit.at(stage.epoch)} it was among the poorest of its generation"
            there = "" if stage.source_epoch is None else f" at {unit.at(stage.source_epoch)}"
            yield f"{begun}, and continued from the state of trial {stage.source}{there}, its configuration changed"


def _sampler(explanation: Explanation, origin: Origin) -> str:
    own = explanation.study.spec.get("sampler", {}).get("name", "")
    return f"the sampler {origin.sampler or own}"


def _learned(origin: Origin) -> str:
    return amount(origin.observations or 0, "trial")


_BEGIN: Mapping[OriginKind, Callable[[Explanation, Origin], str]] = {
    OriginKind.DEFAULT: lambda *_: "the default configuration, with which every study begins",
    OriginKind.START: lambda _, origin: f"the study was asked to try it first: start[{origin.number}]",
    OriginKind.WARM_START: lambda _, origin: (
        f"warm start: trial {origin.number} of study {origin.study} was among the best there"
    ),
    OriginKind.REPETITION: lambda *_: "trained again with a fresh seed, to confirm what the search found",
    OriginKind.ADDED: lambda *_: "it was added to the study, by `tuner add` or another program",
    OriginKind.STARTUP: lambda each, origin: (
        f"{_sampler(each, origin)} drew it at random: {_learned(origin)} had measured anything, too few for its model"
    ),
    OriginKind.RANDOM: lambda each, origin: (
        f"{_sampler(each, origin)} drew it at random"
        + (", as it does with a share of the configurations" if origin.observations is not None else "")
    ),
    OriginKind.PRIOR: lambda *_: "drawn near the priors of the search space, as a share of the configurations is",
    OriginKind.MODEL: lambda each, origin: (
        f"{_sampler(each, origin)} chose it, by its model of {_learned(origin)} that had measured something"
    ),
    OriginKind.SEQUENCE: lambda each, origin: (
        f"{_sampler(each, origin)} takes configurations in a fixed order: it was the next one"
    ),
    OriginKind.SAMPLER: lambda each, origin: f"{_sampler(each, origin)} proposed it, and does not say how",
}


def _ending(study: StudyRecord, trial: TrialRecord, history: TrialHistory) -> Ending:
    if not trial.state.is_finished:
        return Ending.RUNNING if trial.state is TrialState.RUNNING else Ending.WAITING
    if trial.failure is not None or trial.state is TrialState.FAIL:
        return Ending.FAILED
    last = [each.decision for each in history.decisions.get(trial.last_epoch, ())]
    if trial.state is TrialState.PRUNED:
        is_broken = study.goal.broken_for_good(history.metrics.get(trial.last_epoch, {}))
        return Ending.CONSTRAINT if is_broken and Decision.STOP not in last else Ending.STOPPED
    if Decision.FINISH in last:
        return Ending.CONVERGED
    most = study.fidelity.most
    return Ending.TRAINED if not most or trial.last_epoch >= most else Ending.BY_ITSELF


def _unknown(origin: Origin | None, history: TrialHistory, ending: Ending) -> Iterator[str]:
    if origin is None:
        yield "why it has this configuration is not known: the trial was begun by another program or an older version"
    if ending is Ending.STOPPED and not history.decisions:
        yield (
            "what it was compared with is not known: an older version or another program stopped it, or a scheduler "
            "that does not say"
        )


def _broken(explanation: Explanation) -> str:
    trial = explanation.trial
    broken = ", ".join(map(str, explanation.study.goal.broken_for_good(trial.metrics)))
    at = explanation.unit.at(trial.last_epoch)
    return f"stopped at {at}: it breaks {broken or 'a constraint'}, and no training changes that"


def _by_scheduler(explanation: Explanation) -> str:
    scheduler = explanation.study.spec.get("scheduler", {}).get("name", "")
    return f"the scheduler {scheduler}" if scheduler else "another program"


def _failure(explanation: Explanation) -> str:
    failure = explanation.trial.failure
    return "failed" if failure is None else f"failed ({failure.reason.value}): {failure.summary}"


_STOPS = {
    StopCause.INTERRUPT: "the run was interrupted (SIGINT)",
    StopCause.TERMINATE: "the run was terminated (SIGTERM)",
    StopCause.TIME: "the run's time was up",
    StopCause.REQUEST: "the run was stopped (tuner stop)",
    StopCause.FAILURES: "the run was ended, since too many trials failed",
    StopCause.TARGET: "the study had ended by its target",
    StopCause.PATIENCE: "the study had ended by its patience",
    StopCause.NO_GAIN: "the study had ended, since no gain was expected",
    StopCause.CALLBACK: "the study was stopped by a callback",
}


def _waits(explanation: Explanation) -> str:
    cause = explanation.study.stop_cause
    why = "its worker or its run ended, or others of its cohort or generation come first"
    reached = explanation.unit.at(explanation.trial.last_epoch) if explanation.trial.last_epoch else "the beginning"
    return f"waits at {reached}: {why if cause is None else _STOPS[cause]}"


def _at(explanation: Explanation) -> str:
    return explanation.unit.at(explanation.trial.last_epoch)


def _before_the_budget(explanation: Explanation) -> str:
    """Return what ended a trial before the budget does; where that has grown since, it may have been the budget."""
    study = explanation.study
    ended = "its program ended it" if study.asks_and_tells else "the objective ended by itself"
    return f"{ended}, or the budget before it was extended," if EXTENDED in study.notes else ended


_END: Mapping[Ending, Callable[[Explanation], str]] = {
    Ending.TRAINED: lambda each: f"complete: trained to {_at(each)}, as far as the budget goes",
    Ending.CONVERGED: lambda each: f"complete: {_by_scheduler(each)} ended it at {_at(each)}, it had converged",
    Ending.BY_ITSELF: lambda each: f"complete: {_before_the_budget(each)} at {_at(each)}",
    Ending.STOPPED: lambda each: f"stopped by {_by_scheduler(each)} at {_at(each)}",
    Ending.CONSTRAINT: _broken,
    Ending.FAILED: _failure,
    Ending.RUNNING: lambda each: f"it is being trained; its last report was at {_at(each)}",
    Ending.WAITING: _waits,
}
