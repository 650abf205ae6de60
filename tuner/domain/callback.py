"""Callbacks: code of a person's own that a running study calls in its own process."""

from collections.abc import Sequence

from tuner.domain.run_controller import StopCause
from tuner.domain.trial import Metrics, TrialRecord


class Callback:
    """Is called when something happened in a study and is stored; override the methods that are of interest.

    They are called in the process and on the thread that runs the study, one after the other, so the study waits for
    them. Repetitions of a confirmation call none. An exception in one is a warning, given once for each callback, and
    the study continues; `raise tuner.StopStudy` stops the study on purpose. Then no trial begins any more, those that
    are being trained are put back at their next report, and the study can be resumed; its `stop_cause` is
    `StopCause.CALLBACK`.
    """

    def trial_started(self, trial: TrialRecord) -> None:
        """Receive a trial that is about to be trained: a new one, or one that continues where it was interrupted."""

    def trial_reported(self, trial: TrialRecord, metrics: Metrics) -> None:
        """Receive the `metrics` of a trial that has come to `trial.last_epoch`, in the unit of the study's budget.

        The last report of a trial comes before its `trial_finished`.
        """

    def trial_finished(self, trial: TrialRecord) -> None:
        """Receive a trial that is complete, was stopped early, or has failed: `trial.state` says which."""

    def study_finished(self, trials: Sequence[TrialRecord], stop_cause: StopCause | None) -> None:
        """Receive every trial at the end of a run, in the order of their numbers.

        `stop_cause` says why the run stopped before its target; None where it reached it. A signal is such a cause, an
        exception that ends the run is not: then this is not called.
        """
