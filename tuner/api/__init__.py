"""The Python interface: run a study, load one, load a model that was exported."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from tuner.api.study import Study, study_after_run
from tuner.display.notebook import watching
from tuner.domain.callback import Callback
from tuner.domain.errors import ConfigurationError, Mistakes, said_as
from tuner.domain.model import Model
from tuner.domain.objective import Objective
from tuner.domain.study import StudySpec
from tuner.running import launch
from tuner.running.callbacks import checked_callbacks, with_callbacks
from tuner.running.spec_source import DataFile, RequestedStudy
from tuner.spec.overrides import Overrides, given_paths, plain, words_of
from tuner.tracking.dispatch import Logs

__all__ = ["Study", "load_model", "load_study", "run"]


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
) -> Study:
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
    return study_after_run(name, storage, study if isinstance(study, StudySpec) else None, cause)


def _asked(study: str | Path | StudySpec | None, data: str | Path | None, target: str | None) -> RequestedStudy:
    if study is not None and data is None and target is None:
        return study
    if study is None and data is not None:
        return DataFile(path=str(data), target=target)
    raise ConfigurationError(
        "run either a study, or data with its target",
        hint='tuner.run("digits") or tuner.run(data="table.csv", target="label")',
    )


def load_study(name: str, storage: str | None = None, *, spec: StudySpec | None = None) -> Study:
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
