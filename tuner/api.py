"""The Python interface: run a study, load one, ask it questions."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, final

from tuner.analysis import queries
from tuner.analysis.confirmation import Confirmation
from tuner.analysis.explanation import Explanation, explain
from tuner.display.notebook import study_html, watching
from tuner.domain.callback import Callback
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, Mistakes, said_as
from tuner.domain.model import Model
from tuner.domain.objective import Objective
from tuner.domain.run_controller import StopCause
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction, StudySpec
from tuner.domain.trial import Metrics, TrialRecord
from tuner.formatting.values import amount
from tuner.running import launch
from tuner.running.callbacks import checked_callbacks, with_callbacks
from tuner.running.outcome import failed_run, no_usable_trial
from tuner.running.queueing import add_to_study
from tuner.running.retry import checked_retried
from tuner.running.signals import resumable
from tuner.running.spec_source import Asked, DataFile
from tuner.spec.overrides import Overrides, given_paths, plain, words_of
from tuner.storage import deletion
from tuner.storage.folder_owner import place_of
from tuner.storage.location import locate
from tuner.storage.store import open_store
from tuner.tracking.dispatch import Logs

_SHOWN = 5
"""How many trials a notebook shows of a study."""

if TYPE_CHECKING:
    import pandas as pd

    from tuner.analysis.importance import Importance
    from tuner.models.from_study import StudyModel


def run(
    study: str | Path | StudySpec | None = None,
    *,
    data: str | Path | None = None,
    target: str | None = None,
    storage: str | None = None,
    settings: Mapping[str, Any] | None = None,
    log: str | Sequence[str] | None = (),
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    **overrides: Unpack[Overrides],
) -> "Study":
    """Run a study to its target and return it.

    `study` is a shipped name, a study file's path or a `StudySpec`. Without one, what to search is chosen for `data`,
    the path of a file or folder, of which the column `target` is to be predicted. Overrides are the command line's:
    `name`, `trials`, `epochs`, `time`, `seed`, `sampler`, `scheduler`, `executor`, `cohort`, `parallel`, `address`;
    `settings` go to the objective. `log` names trackers that every trial is logged to: "tensorboard", "mlflow=http://localhost:5000".
    `progress` shows how far the run is: by default in a notebook, and not in a script. `callbacks` are called with
    what happens to trials, and can stop the study.
    Raises `ConfigurationError` before anything is written, `StudyExistsError` where the name is taken
    (`load_study(name).resume()` continues it), `StudyInterrupted`, a KeyboardInterrupt, after Ctrl-C,
    `TooManyFailuresError` where so many trials failed that the run was ended, and `NoUsableTrialError` where no trial
    can be used. Warns where the time limit ended it: `study.stop_cause` says so too.
    """
    mistakes = Mistakes()
    paths = given_paths(overrides, mistakes) | {f"settings.{key}": each for key, each in plain(settings or {}).items()}
    logs = mistakes.collect(lambda: Logs.of(log))
    of_data = {} if data is None else {"settings.dataset": "data", "settings.target": "target"}
    called = mistakes.collect(lambda: checked_callbacks(callbacks)) or ()
    with said_as({**words_of(paths), **of_data}), watching(progress=progress) as listeners:
        name, cause = launch.run(
            _asked(study, data, target),
            storage=storage,
            overrides=paths,
            listeners=with_callbacks(listeners, called),
            logs=logs,
            mistakes=mistakes,
        )
    return Study(name, storage, study if isinstance(study, StudySpec) else None)._ended(cause)  # noqa: SLF001 - its own


def _asked(study: str | Path | StudySpec | None, data: str | Path | None, target: str | None) -> Asked:
    if study is not None and data is None and target is None:
        return study
    if study is None and data is not None:
        return DataFile(path=str(data), target=target)
    raise ConfigurationError(
        "run either a study, or data with its target",
        hint='tuner.run("digits") or tuner.run(data="table.csv", target="label")',
    )


def load_study(name: str, storage: str | None = None, *, spec: StudySpec | None = None) -> "Study":
    """Return a stored study; raises `StudyNotFoundError`, which is a KeyError too.

    With the `spec` of a study that was made in Python it can be resumed where its objective lies in no module, or its
    search space has rules.
    """
    return Study(name, storage, spec)


def load_model(folder: str | Path, objective: type[Objective] | str | None = None) -> Model:
    """Return an exported model; `objective` is the class of a model of your own, whose code no export holds.

    Warns where it was exported with other versions. Raises `ConfigurationError` where there is no export, and
    `ModelError` with the file that is missing or damaged.
    """
    from tuner.models.load import load  # noqa: PLC0415 - queries do not pay for it

    loaded = load(Path(folder), objective)
    for note in loaded.notes:
        warnings.warn(note, stacklevel=2)
    return loaded.model


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
        store = open_store(self._storage)
        try:
            self._record, self._trials = store.view(self.name)
            self._repetitions = store.repetitions(self.name)
        finally:
            store.close()
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
        with said_as(words_of(given)), watching(progress=progress) as listeners:
            cause = launch.resume(
                self.name,
                storage=self._storage,
                overrides=given,
                spec=self._spec,
                listeners=with_callbacks(listeners, called),
                logs=logs,
                mistakes=mistakes,
                trust=trust,
            )
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
        with watching(progress=progress) as listeners:
            cause = launch.resume(
                self.name,
                storage=self._storage,
                spec=self._spec,
                listeners=with_callbacks(listeners, called),
                trust=trust,
                retried=retried,
            )
        self.refresh()
        return self._ended(cause)

    def add(self, *configs: Mapping[str, Any]) -> tuple[Config, ...]:
        """Add configurations, to be tried before what the sampler proposes; return those that wait now, whole.

        They are whole or parts, as in `StudySpec.start`, or with dotted keys, `{"optimizer.lr": 0.001}`: what is left
        out has its default. A process that runs the study takes them with its next trials, else `resume` does; they
        count towards its trials. One that a trial had, or that waits already, is left out with a warning. Raises
        `ConfigurationError` with everything that is wrong with any of them.
        """
        store = open_store(self._storage)
        try:
            space = self._spec.search_space if self._spec is not None else None
            queued = add_to_study(store, self.name, configs, space if isinstance(space, SearchSpace) else None)
        finally:
            store.close()
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
            cause = launch.confirm(
                self.name,
                storage=self._storage,
                overrides=overrides,
                spec=self._spec,
                listeners=listeners,
                trust=trust,
            )
        self.refresh()
        return self._ended(cause)

    def _ended(self, cause: StopCause | None) -> "Study":
        """Return the study after a run; raises and warns as the command line ends with exit code 3 and says why."""
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
                stacklevel=3,
            )
        return self

    def _settle(self) -> None:
        """Store what the study hands out as its model."""
        from tuner.models.final_answer import settle_answer  # noqa: PLC0415 - as above

        store = open_store(self._storage)
        try:
            with resumable(store, self.name):
                settle_answer(store, self.name, self._spec)
        finally:
            store.close()
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
        store = open_store(self._storage)
        try:
            deletion.delete(store, deletion.belongings(store, self.name))
        finally:
            store.close()

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

        store = open_store(self._storage)
        try:
            return model_of(store, self.name, trial, self._spec, trust=trust)
        finally:
            store.close()

    def learning_curves(self, metric: str | None = None) -> dict[int, dict[int, float]]:
        """Return a metric (the study's own by default) by trial number and epoch."""
        if metric is None or metric == self.metric:
            return {trial.number: dict(trial.curve) for trial in self._trials}
        store = open_store(self._storage)
        try:
            reports = store.reports(self.name)
        finally:
            store.close()
        return {
            number: {epoch: metrics[metric] for epoch, metrics in epochs.items() if metric in metrics}
            for number, epochs in reports.items()
        }

    def log(self, trial: int) -> str:
        """Return what a trial has printed; "" where nothing was kept, as under the inline executor.

        Raises `KeyError` where there is no such trial.
        """
        if not 0 <= trial < len(self._trials):
            raise KeyError(f"study {self.name!r} has no trial {trial}")
        store = open_store(self._storage)
        try:
            logs = place_of(store.location, self._record).folders_of(self._record.folder_name).logs_with(trial)
            return "".join(path.read_text(errors="replace") for path in logs)
        finally:
            store.close()

    def explain(self, trial: int) -> Explanation:
        """Return why a trial has its configuration, what it was compared with at each rung, and what ended it.

        `print(study.explain(17))` says it in sentences. Raises `KeyError` where there is no such trial.
        """
        if not 0 <= trial < len(self._trials):
            raise KeyError(f"study {self.name!r} has no trial {trial}")
        store = open_store(self._storage)
        try:
            return explain(self._record, self._trials[trial], store.history(self.name, trial))
        finally:
            store.close()

    def importance(self) -> "Importance":
        """Return which parameters matter and how, learned from all trials that measured something."""
        from tuner.analysis.importance import importance_of  # noqa: PLC0415 - numpy, which other questions do not pay

        return importance_of(self._record, self._trials)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a row per trial: number, state, value, epoch, seconds, its parameters by path and its metrics.

        Parameters are columns such as `params.optimizer.adamw.lr`, metrics such as `metrics.accuracy`.
        """
        import pandas as pd  # noqa: PLC0415 - half a second that other questions do not pay

        rows = [queries.as_row(self._record, trial) for trial in self._trials]
        frame = pd.DataFrame(rows)
        chosen = {name for row in rows for name, value in row.items() if value is None and name.startswith("params.")}
        for name in sorted(chosen):  # None is a value, and what a configuration does not have is missing
            frame[name] = pd.Series([row.get(name, math.nan) for row in rows], dtype=object)
        return frame

    def __repr__(self) -> str:
        best = self.best_trials
        shown = f"best {self.metric} {best[0].value:.4g} (trial {best[0].number})" if best else "no usable trial"
        return f"Study({self.name!r}, {amount(len(self._trials), 'trial')}, {shown})"

    def _repr_html_(self) -> str:
        """Return the study as a notebook shows it."""
        return study_html(self.summary, self.top(_SHOWN))
