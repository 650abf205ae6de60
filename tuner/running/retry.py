"""Puts failed trials back, so that the study trains them again: the same numbers, configurations and seeds."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

from tuner.domain.errors import ConfigurationError
from tuner.domain.trial import FailureReason, TrialRecord, TrialState
from tuner.running.components import RunComponents
from tuner.running.resume_check import refuse_ended
from tuner.running.session import now
from tuner.storage.store import Store
from tuner.storage.writer import SqlStudyWriter

Retried = Collection[int] | Literal["failed"]
"""The numbers of failed trials to train again, or the word for all of them."""


def checked_retried(retried: object) -> Retried:
    """Return what a program says is to be retried; raises `ConfigurationError` where it is neither word nor numbers."""
    if retried == "failed":
        return "failed"
    if isinstance(retried, str) or not isinstance(retried, Iterable):
        raise ConfigurationError(f'retry: {retried!r} is neither "failed" nor a list of numbers such as [3, 7]')
    return tuple(retried)


def put_back_failed(
    store: Store, name: str, components: RunComponents, writer: SqlStudyWriter, retried: Retried
) -> tuple[str, ...]:
    """Let failed trials wait, with what they had reported, and return why each had failed.

    Raises `ConfigurationError` with every number that is no failed trial's, where there is none to train again, and
    where the study has ended early.
    """
    _, trials = store.read(name)
    if retried == "failed":
        chosen = [trial for trial in trials if can_be_retried(trial)]
    else:
        if problems := [*_problems(retried, trials)]:
            raise ConfigurationError(problems, hint=store.location.command("trials", name, "--state", "fail"))
        chosen = [trial for trial in trials if trial.number in retried]
    if not chosen:
        raise ConfigurationError(f"study {name!r} has no failed trial that could be trained again")
    refuse_ended(store.location, name, components, [trial for trial in trials if trial not in chosen])
    writer.reopen([trial.waiting_again(now()) for trial in chosen])
    return tuple(f"trial {trial.number} is tried again; it had failed with: {_reason(trial)}" for trial in chosen)


def can_be_retried(trial: TrialRecord) -> bool:
    """Whether the trial has failed, and can be trained again."""
    return trial.state is TrialState.FAIL and not _unrepeatable(trial)


def _problems(retried: Collection[int | str], trials: Sequence[TrialRecord]) -> Iterator[str]:
    by_number = {trial.number: trial for trial in trials}
    for number in retried:
        trial = by_number.get(number) if isinstance(number, int) else None
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
