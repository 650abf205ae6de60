"""The error that a run ends with where none of its trials can be used."""

from collections.abc import Sequence

from tuner.analysis import queries
from tuner.domain.errors import NoUsableTrialError, TooManyFailuresError
from tuner.domain.object_reference import UNNAMED
from tuner.domain.run_controller import StopCause
from tuner.domain.study import Budget
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import amount, number
from tuner.spec.units import NONE
from tuner.storage.location import Location

_HYDRA = "tuner.integrations.hydra:"
"""What the objective of a sweep begins with: only Hydra makes its jobs."""

_REASONS = 3
"""How many causes of failures an error names."""


def how_to_resume(location: Location, study: StudyRecord, trials: int | None = None) -> str:
    """Return what continues the study, to so many `trials` in all: a command, or a call in its program."""
    further = [] if trials is None else ["--trials", trials]
    return in_its_program(study, trials) or location.command("resume", study.name, *further)


def in_its_program(study: StudyRecord, trials: int | None = None) -> str:
    """Return what continues a study that only its own program can continue; "" where a command does.

    No command finds an objective that lies in no module, such as a notebook's or a job of Hydra's.
    """
    if study.asks_and_tells:
        further = "" if trials is None else f"trials={trials}, "
        return f"tuner.create_study(..., {further}name={study.name!r}, resume=True), in its program"
    if _is_of_hydra(study):
        return "the same Hydra command again" + ("" if trials is None else f", with hydra.sweeper.trials={trials}")
    if any(mark in str(study.spec.get("objective", "")) for mark in UNNAMED):
        further = "" if trials is None else f"trials={trials}"
        return f"tuner.load_study({study.name!r}, spec=...).resume({further}), in its program"
    return ""


def _is_of_hydra(study: StudyRecord) -> bool:
    return str(study.spec.get("objective", "")).startswith(_HYDRA)


def _after_failures(location: Location, summary: queries.Summary) -> str:
    """Return what continues a study once the cause of its failures is mended; all of its trials may be over."""
    study = summary.study
    if not summary.is_complete:
        return how_to_resume(location, study)
    if study.asks_and_tells or _is_of_hydra(study):
        return f"{how_to_resume(location, study)}, with more trials"
    return location.command("retry", study.name, "--failed")


def early_end(cause: StopCause | None, budget: Budget) -> str:
    """Return in words why a study has ended before it had all of its trials; "" where it has not ended early."""
    if cause is StopCause.TARGET:
        return f"a trial has reached the value of budget.target, {number(budget.target)}"
    if cause is StopCause.PATIENCE:
        return f"{amount(budget.patience or 0, 'trial')} in a row brought no new best (budget.patience)"
    if cause is StopCause.NO_GAIN:
        return "the trials that were left were expected to gain hardly anything (budget.until)"
    return ""


def beyond(cause: StopCause) -> tuple[str, str]:
    """Return the key that ended a study early, and what to set it to so that it ends the study no more."""
    return ("budget.until", "trials") if cause is StopCause.NO_GAIN else (f"budget.{cause.value}", NONE)


def failed_run(
    location: Location,
    summary: queries.Summary,
    study: StudyRecord,
    trials: Sequence[TrialRecord],
    cause: StopCause | None,
) -> NoUsableTrialError | None:
    """Return the error that a run ends with whose trials cannot be used; None where some can."""
    if cause is StopCause.FAILURES:
        failed, (error, count) = summary.counts[TrialState.FAIL], queries.failure_reasons(trials)[0]
        return TooManyFailuresError(
            f"stopped, since {failed} of {amount(summary.finished, 'trial')} failed; {count} of them with: {error}",
            hint=f"mend the cause, then continue with: {_after_failures(location, summary)}",
        )
    return no_usable_trial(location, study, trials) if summary.best is None else None


def no_usable_trial(location: Location, study: StudyRecord, trials: Sequence[TrialRecord]) -> NoUsableTrialError:
    """Return the error for a study without a usable trial: what the nearest one breaks, or why most failed."""
    name, miss = study.name, queries.nearest_miss(study, trials)
    if miss is not None:
        violated = study.goal.violated(miss.metrics)
        broken = ", ".join(f"{each} (it has {miss.metrics[each.metric]:.6g})" for each in violated)
        return NoUsableTrialError(
            f"no trial of study {name!r} meets the constraints; trial {miss.number} comes closest and breaks {broken}",
            hint=f"{location.command('trials', name)} shows what each breaks; relax a constraint in a new study, "
            "or try more trials",
        )
    reasons = queries.failure_reasons(trials)
    if not reasons:
        return NoUsableTrialError(f"no trial of study {name!r} is complete", hint=how_to_resume(location, study))
    listed = "; ".join(f"{count} failed with: {message}" for message, count in reasons[:_REASONS])
    return NoUsableTrialError(
        f"no trial of study {name!r} is complete; {listed}",
        hint=f"{location.command('trials', name, '--state', 'fail')} shows them all",
    )
