"""A stored study in Python: what it has found, and what continues it."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, final

from tuner.analysis import queries
from tuner.analysis.confirmation import Confirmation
from tuner.analysis.explanation import Explanation, explain
from tuner.display.notebook import study_html, watching
from tuner.domain.callback import Callback
from tuner.domain.config import Config
from tuner.domain.errors import Mistakes, said_as
from tuner.domain.model import Model
from tuner.domain.run_controller import StopCause
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction, StudySpec
from tuner.domain.trial import Metrics, TrialRecord
from tuner.formatting.values import amount
from tuner.running import launch
from tuner.running.callbacks import checked_callbacks, with_callbacks
from tuner.running.outcome import failed_run, no_usable_trial
from tuner.running.queueing import add_to_study
from tuner.running.resume_request import ResumeRequest
from tuner.running.retry import checked_retried
from tuner.running.signals import resumable
from tuner.spec.overrides import Overrides, given_paths, plain, words_of
from tuner.storage import deletion
from tuner.storage.folder_owner import place_of
from tuner.storage.location import locate
from tuner.storage.store import open_store
from tuner.tracking.dispatch import Logs

if TYPE_CHECKING:
    import pandas as pd

    from tuner.analysis.importance import Importance
    from tuner.models.from_study import StudyModel

_SHOWN = 5
"""How many trials a notebook shows of a study."""


@final
class Study:
    """A study as it was stored when it was loaded; `refresh` looks again."""

    def __init__(self, name: str, storage: str | None = None, spec: StudySpec | None = None) -> None:
        self.name = name
        self._storage = storage
        self._spec = spec
        self.refresh()

    def refresh(self) -> "Study":
        """Read the study again and return it."""
        with closing(open_store(self._storage)) as store:
            self._record, self._trials = store.view(self.name)
            self._repetitions = store.repetitions(self.name)
        self._stop_cause = self._record.stop_cause
        return self

    def resume(
        self,
        *,
        log: str | Sequence[str] | None = (),
        progress: bool | None = None,
        callbacks: Sequence[Callback] = (),
        trust: bool = False,
        **overrides: Unpack[Overrides],
    ) -> "Study":
        """Continue to the target, or to a new one: `study.resume(trials=128)`.

        Takes `log`, `progress`, `callbacks` and the overrides of `run`. Raises `UntrustedCodeError` where the study
        would run code that is neither installed nor in the working directory, unless you `trust` it.
        """
        mistakes = Mistakes()
        given = given_paths(overrides, mistakes)
        logs = mistakes.collect(lambda: Logs.of(log))
        called = mistakes.collect(lambda: checked_callbacks(callbacks)) or ()
        with said_as(words_of(given)), watching(progress=progress) as display:
            request = ResumeRequest(overrides=given, spec=self._spec, trust=trust, mistakes=mistakes)
            listeners = with_callbacks(display, called)
            cause = launch.resume(self.name, request, storage=self._storage, listeners=listeners, logs=logs)
        self.refresh()
        return self._ended(cause)

    def retry(
        self,
        trials: Sequence[int] | Literal["failed"] | None = None,
        *,
        progress: bool | None = None,
        callbacks: Sequence[Callback] = (),
        trust: bool = False,
    ) -> "Study":
        """Train failed trials again, all of them or those of these numbers, then continue to the target.

        They keep their numbers, configurations and seeds, and what they had reported. `callbacks` and `trust` are those
        of `resume`.
        """
        called, retried = checked_callbacks(callbacks), checked_retried("failed" if trials is None else trials)
        with watching(progress=progress) as display:
            request = ResumeRequest(spec=self._spec, trust=trust)
            listeners = with_callbacks(display, called)
            cause = launch.resume(self.name, request, storage=self._storage, listeners=listeners, retried=retried)
        self.refresh()
        return self._ended(cause)

    def add(self, *configs: Mapping[str, Any]) -> tuple[Config, ...]:
        """Add configurations, to be tried before what the sampler proposes; return those that wait now, whole.

        They are whole or parts, as in `StudySpec.start`, or with dotted keys, `{"optimizer.lr": 0.001}`: what is left
        out has its default. A process that runs the study takes them with its next trials, else `resume` does; they
        count towards its trials. One that a trial had, or that waits already, is left out with a warning. Raises
        `ConfigurationError` with everything that is wrong with any of them.
        """
        with closing(open_store(self._storage)) as store:
            space = self._spec.search_space if self._spec is not None else None
            queued = add_to_study(store, self.name, configs, space if isinstance(space, SearchSpace) else None)
        for note in queued.notes:
            warnings.warn(note, stacklevel=2)
        return tuple(each.config for each in queued.configs)

    def confirm(
        self, *, top: int | None = None, seeds: int | None = None, progress: bool | None = None, trust: bool = False
    ) -> "Study":
        """Train the best configurations again, `top` of them, each with so many fresh `seeds`; 5 and 5 by default.

        `trust` is that of `resume`.
        """
        given = {"confirm.top": top, "confirm.seeds": seeds}
        overrides = {path: plain(value) for path, value in given.items() if value is not None}
        with said_as({"confirm.top": "top", "confirm.seeds": "seeds"}), watching(progress=progress) as listeners:
            request = ResumeRequest(overrides=overrides, spec=self._spec, trust=trust)
            cause = launch.confirm(self.name, request, storage=self._storage, listeners=listeners)
        self.refresh()
        return self._ended(cause)

    def _ended(self, cause: StopCause | None, *, within: int = 1) -> "Study":
        """Return the study after a run; raises and warns as the command line ends with exit code 3 and says why.

        A warning is of the line that has called the function so many calls out.
        """
        if cause is None or cause.is_early_end:
            self._settle()
        self._stop_cause = cause
        error = failed_run(locate(self._storage), self.summary, self._record, self._trials, cause)
        if error is not None:
            raise error
        if cause is StopCause.TIME:
            reached = f"{self.summary.finished} of {self.summary.target} trials finished"
            warnings.warn(
                f"study {self.name!r} stopped at its time limit, {reached}; study.resume() continues it",
                stacklevel=2 + within,
            )
        return self

    def _settle(self) -> None:
        """Store what the study hands out as its model."""
        from tuner.models.final_answer import settle_answer  # noqa: PLC0415 - as above

        with closing(open_store(self._storage)) as store, resumable(store, self.name):
            settle_answer(store, self.name, self._spec)
        self.refresh()

    @property
    def stop_cause(self) -> StopCause | None:
        """Why the last run stopped before its target; None where it reached it, or where that is not known."""
        return self._stop_cause

    @property
    def confirmation(self) -> Confirmation | None:
        """What the repetitions of the best configurations say, with intervals; None where there are none."""
        return self.summary.confirmation

    def delete(self) -> None:
        """Delete the study for good: its trials, its weights, everything but backups; what was loaded stays readable.

        Raises `StudyHeldError` where a process runs it.
        """
        with closing(open_store(self._storage)) as store:
            deletion.delete(store, deletion.belongings(store, self.name))

    @property
    def direction(self) -> Direction:
        """Which way the metric is better."""
        return self._record.direction

    @property
    def metric(self) -> str:
        """The name of the metric that was searched for."""
        return self._record.metric

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Which way each of `metrics` is better."""
        return self._record.directions

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics that were searched for, `metric` first."""
        return self._record.metrics

    @property
    def constraints(self) -> tuple[str, ...]:
        """What a trial has to meet to be of any use, such as "parameters <= 100000"."""
        return tuple(map(str, self._record.constraints))

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial, in the order of their numbers."""
        return self._trials

    @property
    def best_trial(self) -> TrialRecord:
        """The best trial; raises `NoUsableTrialError` before the first.

        It is the one that was confirmed to be best, or else has the best value, of the first metric where there are
        several.
        """
        best = self.top(1)
        if not best:
            raise no_usable_trial(locate(self._storage), self._record, self._trials)
        return best[0]

    @property
    def best_trials(self) -> tuple[TrialRecord, ...]:
        """The Pareto front, the best in the first metric first; with one metric the best trial, if there is one."""
        return queries.front(self._record, self._trials, self._repetitions)

    def top(self, count: int) -> tuple[TrialRecord, ...]:
        """Return the `count` best complete trials that meet the constraints, the best first.

        Those that were confirmed come before the others, and those of the front before the rest.
        """
        return queries.top(self._record, self._trials, count, self._repetitions)

    @property
    def summary(self) -> queries.Summary:
        """The study in a few numbers."""
        return queries.summarise(self._record, self._trials, self._repetitions)

    @property
    def test_metrics(self) -> Metrics | None:
        """The best trial's metrics on data the search never saw; None where that was not measured."""
        return self.summary.test_metrics

    def best_model(self, trial: int | None = None, *, trust: bool = False) -> Model:
        """Return the best trial's model, or that of another trial that has kept its weights.

        It predicts from raw inputs, with scikit-learn's conventions. Raises `ModelError` where the weights are gone,
        and `ConfigurationError` where the objective makes no models; `trust` is that of `resume`.
        """
        return self._model(trial, trust=trust).used

    def export(
        self,
        folder: str | Path,
        *,
        trial: int | None = None,
        force: bool = False,
        onnx: bool = False,
        trust: bool = False,
    ) -> Path:
        """Write the model that `best_model` returns into a folder, for `load_model` and `tuner predict`."""
        from tuner.models.export import export  # noqa: PLC0415 - as above

        return export(self._model(trial, trust=trust), Path(folder), force=force, onnx=onnx)

    def _model(self, trial: int | None, *, trust: bool) -> "StudyModel":
        from tuner.models.from_study import model_of  # noqa: PLC0415 - as above

        with closing(open_store(self._storage)) as store:
            return model_of(store, self.name, trial, self._spec, trust=trust)

    def learning_curves(self, metric: str | None = None) -> dict[int, dict[int, float]]:
        """Return a metric (the study's own by default) by trial number and epoch."""
        if metric is None or metric == self.metric:
            return {trial.number: dict(trial.curve) for trial in self._trials}
        with closing(open_store(self._storage)) as store:
            reports = store.reports(self.name)
        return {
            number: {epoch: metrics[metric] for epoch, metrics in epochs.items() if metric in metrics}
            for number, epochs in reports.items()
        }

    def log(self, trial: int) -> str:
        """Return what a trial has printed; "" where nothing was kept, as under the inline executor.

        Raises `KeyError` where there is no such trial.
        """
        self._require(trial)
        with closing(open_store(self._storage)) as store:
            logs = place_of(store.location, self._record).folders_of(self._record.folder_name).logs_with(trial)
            return "".join(path.read_text(errors="replace") for path in logs)

    def explain(self, trial: int) -> Explanation:
        """Return why a trial has its configuration, what it was compared with at each rung, and what ended it.

        `print(study.explain(17))` says it in sentences. Raises `KeyError` where there is no such trial.
        """
        with closing(open_store(self._storage)) as store:
            return explain(self._record, self._require(trial), store.history(self.name, trial))

    def _require(self, trial: int) -> TrialRecord:
        if not 0 <= trial < len(self._trials):
            raise KeyError(f"study {self.name!r} has no trial {trial}")
        return self._trials[trial]

    def importance(self) -> "Importance":
        """Return which parameters matter and how, learned from all trials that measured something."""
        from tuner.analysis.importance import importance_of  # noqa: PLC0415 - numpy, which other questions do not pay

        return importance_of(self._record, self._trials)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a row per trial: number, state, value, epoch, seconds, its parameters by path and its metrics.

        Parameters are columns such as `params.optimizer.adamw.lr`, metrics such as `metrics.accuracy`.
        """
        from tuner.analysis.data_frame import frame_of  # noqa: PLC0415 - pandas: half a second

        return frame_of(self._record, self._trials)

    def __repr__(self) -> str:
        best = self.best_trials
        shown = f"best {self.metric} {best[0].value:.4g} (trial {best[0].number})" if best else "no usable trial"
        return f"Study({self.name!r}, {amount(len(self._trials), 'trial')}, {shown})"

    def _repr_html_(self) -> str:
        """Return the study as a notebook shows it."""
        return study_html(self.summary, self.top(_SHOWN))


def study_after_run(name: str, storage: str | None, spec: StudySpec | None, cause: StopCause | None) -> Study:
    """Return the study of a run that `tuner.run` has ended; raises and warns as `Study.resume` does."""
    return Study(name, storage, spec)._ended(cause, within=2)  # noqa: SLF001 - its own
