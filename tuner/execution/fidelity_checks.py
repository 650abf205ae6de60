"""Checks of how far an objective says that its trial is."""

from tuner.domain.command import Command
from tuner.domain.fidelity import EPOCHS, Fidelity
from tuner.domain.trial import Failure, FailureReason
from tuner.domain.worker_spec import WorkerSpec

_EPOCHS_LOOP = "to train all, report or yield in a loop: for epoch in range(trial.epoch, trial.max_epochs)"
_EVERY_EPOCH = "to be stopped early it has to report every epoch; one that reports once has [budget] epochs = 1"
_STEPS = "to say how far the trial is, report in a plain function: trial.report(metrics, step=...)"


def beyond_the_end(step: int, fidelity: Fidelity) -> Failure | None:
    """Return the failure that it is to report an epoch that there is not; None where the step may be reported.

    Epochs are counted one by one, so a step beyond the last one mostly counts something else. Other units jump, and the
    first report at or beyond the end is the last one.
    """
    if fidelity.unit != EPOCHS or step <= fidelity.most:
        return None
    message = (
        f"step {step} is beyond the last epoch, budget.epochs = {fidelity.most}; where the program counts steps, give "
        "their number in place of epochs: budget.steps"
    )
    return Failure(reason=FailureReason.RAISED, message=message)


def early_end(step: int, worker_spec: WorkerSpec) -> str:
    """Return the note that the objective ended by itself suspiciously early; "" where it did not."""
    is_command = isinstance(worker_spec.objective, Command)
    what = "command" if is_command else "objective"
    if worker_spec.unit == EPOCHS:
        if not step == 1 < worker_spec.max_epochs:
            return ""
        how = _EVERY_EPOCH if is_command else _EPOCHS_LOOP
        return f"the {what} ended by itself after a single report, epoch 1 of {worker_spec.max_epochs}; {how}"
    if not 0 < 2 * step < worker_spec.max_epochs:
        return ""
    unit = worker_spec.unit
    return f"the {what} ended by itself at {unit.at(step)} of {unit.number(worker_spec.max_epochs)}; {_STEPS}"
