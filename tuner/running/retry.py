"""Puts failed trials back, so that the study trains them again: the same numbers, configurations and seeds."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import index
from typing import Any, Literal

from tuner.domain.errors import ConfigurationError
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import FailureReason, TrialRecord, TrialState
from tuner.running.components import RunComponents
from tuner.running.held_study import HeldStudy
from tuner.running.resume_check import refuse_ended
from tuner.running.session import now

Retried = Collection[int] | Literal["failed"]
"""The numbers of failed trials to train again, or the word for all of them."""


def checked_retried(retried: object) -> Retried:
    """Return what a program says is to be retried; raises `ConfigurationError` where it is neither word nor numbers."""
    if isinstance(retried, str) and retried == "failed":
        return "failed"
    if isinstance(retried, str) or not isinstance(retried, Iterable):
        raise ConfigurationError(f'retry: {retried!r} is neither "failed" nor a list of numbers such as [3, 7]')
    return tuple(map(_number, retried))


def _number(given: Any) -> Any:
    """Return a trial's number as Python's own, NumPy's too; what is none stays as it is, to be refused."""
    try:
        return given if isinstance(given, bool) else index(given)
    except TypeError:
        return given


def put_back_failed(held: HeldStudy, components: RunComponents, retried: Retried) -> tuple[TrialRecord, ...]:
    """Let failed trials wait, with what they had reported, and return them as they were.

    Raises `ConfigurationError` with every number that is no failed trial's, where there is none to train again, and
    where the study has ended early.
    """
    location, name, (_, trials) = held.store.location, held.name, held.read()
    if retried == "failed":
        chosen = [trial for trial in trials if can_be_retried(trial)]
    else:
        if problems := [*_problems(retried, trials)]:
            raise ConfigurationError(problems, hint=location.command("trials", name, "--state", "fail"))
        chosen = [trial for trial in trials if trial.number in retried]
    if not chosen:
        waiting = any(not trial.state.is_finished for trial in trials)
        raise ConfigurationError(
            f"study {name!r} has no failed trial that could be trained again",
            hint=f"its interrupted trials continue with: {location.command('resume', name)}" if waiting else "",
        )
    refuse_ended(location, name, components, [trial for trial in trials if trial not in chosen])
    held.writer.reopen([trial.waiting_again(now()) for trial in chosen])
    return tuple(chosen)


def tried_again(failed: Sequence[TrialRecord]) -> tuple[str, ...]:
    """Return in words that trials are tried again, and why each had failed."""
    return tuple(f"trial {trial.number} is tried again; it had failed with: {_reason(trial)}" for trial in failed)


def leave_failed(held: HeldStudy, failed: Sequence[TrialRecord]) -> None:
    """Store retried trials that a study has not come to before its early end as they were when they had failed.

    Where it has not ended early it does nothing. They would wait for good otherwise, and no later retry would find
    them. One that has reported since waits on, as any trial that is running at an early end does.
    """
    study, trials = held.read()
    if study.stop_cause is None or not study.stop_cause.is_early_end:
        return
    waiting = {trial.number: trial for trial in trials if trial.state is TrialState.WAITING}
    left = [each for each in failed if each.number in waiting and waiting[each.number].curve == each.curve]
    if left:
        held.writer.write([TrialUpdate(trial=each) for each in left])


def can_be_retried(trial: TrialRecord) -> bool:
    """Whether the trial has failed, and can be trained again."""
    return trial.state is TrialState.FAIL and not _unrepeatable(trial)


def _problems(retried: Collection[int | str], trials: Sequence[TrialRecord]) -> Iterator[str]:
    by_number = {trial.number: trial for trial in trials}
    for number in retried:
        trial = by_number.get(number) if type(number) is int else None
        if trial is None:
            yield f"trials: there is no trial {number}"
        elif trial.state is not TrialState.FAIL:
            yield f"trials: trial {number} has not failed, it is {trial.state.value}"
        elif problem := _unrepeatable(trial):
            yield f"trials: trial {number} {problem}"


def _unrepeatable(trial: TrialRecord) -> str:
    """Return why a failed trial cannot be trained again; "" where it can."""
    if trial.failure is not None and trial.failure.reason is FailureReason.NOT_IN_SPACE:
        return "was added by another program with values that the search space does not have"
    return "continued from another trial's state, which is gone" if trial.schedule else ""


def _reason(trial: TrialRecord) -> str:
    return "no reason that is known" if trial.failure is None else trial.failure.summary
