"""Creates a study whose program asks for trials and tells their results, or opens it again."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack, final

from tuner.domain.callback import Callback
from tuner.domain.errors import Mistakes, StudyExistsError, said_as
from tuner.domain.fidelity import UNIT_KEYS
from tuner.domain.object_reference import default_name
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import INLINE, StudySpec
from tuner.domain.study_record import StudyRecord, folder_name
from tuner.running.ask_tell import AskTellStudy
from tuner.running.builder import build_components
from tuner.running.callbacks import checked_callbacks, with_callbacks
from tuner.running.code_places import Source, module_folder
from tuner.running.components import RunComponents
from tuner.running.extension import extend
from tuner.running.held_study import HeldStudy, holding
from tuner.running.resume_check import refuse_fewer_trials
from tuner.running.resume_request import ResumeRequest
from tuner.running.retry import Retried, can_be_retried, checked_retried, leave_failed, put_back_failed, tried_again
from tuner.running.session import StudyRunner, runner_with_keepers
from tuner.running.signals import time_limit
from tuner.running.stored_study import (
    leaving_no_folder,
    place_of_study,
    rebuild_components,
    settle,
    settle_first,
    store_new,
    with_folder_warning,
)
from tuner.running.tracked_listeners import MakeListeners, with_trackers
from tuner.running.transfer import learned, warm_started
from tuner.spec.overrides import Overrides, given_paths, words_of
from tuner.spec.study_file import Wording, checked, parse_study
from tuner.storage.reader import new_id
from tuner.storage.store import Store, open_store
from tuner.system.environment import environment
from tuner.tracking.dispatch import Logs

_OF_A_RUN = ("executor", "cohort", "parallel", "address", "confirm")
"""Overrides that say how a run trains, which here is the program's affair."""


def create_study(
    study: SearchSpace | StudySpec | str,
    *,
    resume: bool = False,
    storage: str | None = None,
    log: str | Sequence[str] | None = (),
    callbacks: Sequence[Callback] = (),
    retry: Retried = (),
    **overrides: Unpack[Overrides],
) -> AskTellStudy:
    """Create a study of which this program asks for trials and tells their results.

    `study` is a search space, its name, or a `StudySpec` without an objective; `metric` is required with a space.
    Overrides are those of `run` but for what only a run has: `executor`, `cohort`, `parallel`, `confirm`. `log` names
    trackers, and `callbacks` are called with what happens to trials. With `resume` a study of that name is opened where
    there is one: `study` and the overrides have to say what they said before, apart from the budget; `epochs` may only
    grow. `retry` lets `ask` hand out failed trials of it again, "failed" for all or their numbers, with what they had
    reported. Raises `ConfigurationError` before anything is written, `StudyExistsError` where the name is taken,
    `StudyHeldError` where another process has the study, and `ResumeRefusedError` where it was created with something
    else.
    """
    mistakes = Mistakes()
    paths = given_paths(overrides, mistakes)
    of_a_run = [word for word in _OF_A_RUN if overrides.get(word) is not None]
    mistakes.add(f"{word}: is for runs, and this program trains itself" for word in of_a_run)
    logs = mistakes.collect(lambda: Logs.of(log)) or Logs()
    called = with_callbacks(None, mistakes.collect(lambda: checked_callbacks(callbacks)) or ())
    retried = mistakes.collect(lambda: checked_retried(retry)) or ()
    if retried and not resume:
        mistakes.add(["retry: is for a study that is opened again, with resume=True"])
    with said_as(words_of(paths)), ExitStack() as exits:
        spec = _spec(study, paths, mistakes)
        store = open_store(storage)
        exits.callback(store.close)
        if resume and not mistakes.has_any and spec.name in store:
            again = _Again(fidelity=_given_fidelity(paths), retried=retried)
            return _open(store, spec, again, _tracked(called, exits.enter_context(logs)), exits)
        return _create(store, spec, _tracked(called, exits.enter_context(logs)), exits, mistakes)


_Tracked = Callable[[Path], MakeListeners]
"""Makes the listeners of a study whose files are in a folder."""


def _tracked(listeners: MakeListeners | None, logs: Logs) -> _Tracked:
    return lambda folder: with_trackers(listeners, logs, folder)


def _spec(study: SearchSpace | StudySpec | str, paths: Mapping[str, Any], mistakes: Mistakes) -> StudySpec:
    if isinstance(study, StudySpec):
        if study.objective:  # a command, too
            mistakes.add(["objective: a program that asks and tells has none; tuner.run trains one"])
        spec = checked(replace(study, objective="", command=()), paths, mistakes)
        return replace(spec, name=spec.name or default_name(""), executor=INLINE)
    content = {"objective": "", "search_space": study}
    name = default_name("")
    spec = parse_study(content, paths, Wording("create_study"), name=name, mistakes=mistakes, needs_objective=False)
    return replace(spec, executor=INLINE)


def _create(store: Store, spec: StudySpec, tracked: _Tracked, exits: ExitStack, mistakes: Mistakes) -> AskTellStudy:
    if spec.name in store and not mistakes.has_any:
        raise StudyExistsError(
            f"study {spec.name!r} exists already",
            hint="resume=True opens a study that was created so; or choose another name",
        )
    location, identity = store.location, new_id()
    source = Source(study="", overrides={}, folder=str(Path.cwd()))
    folders = location.folders_of(folder_name(spec.name, identity), spec.storage.checkpoints)
    components = build_components(spec, module_folder(spec, source), folders, mistakes)
    components = warm_started(components, learned(store, components.spec, components.space))
    components = with_folder_warning(components, location)
    with leaving_no_folder(store, location, spec.name, identity):
        store_new(store, spec, source, components, identity)
        held = exits.enter_context(holding(store, location, spec.name))
        record = settle_first(held)
    runner = runner_with_keepers(held, components, (), tracked(location.folder))
    return _study(held, record, components, runner, exits)


def _given_fidelity(paths: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far the call says that a trial is trained, by key path; empty where it does not say it."""
    keys = {f"budget.{key}" for key in UNIT_KEYS}
    return {path: value for path, value in paths.items() if path in keys}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """What is asked of a study that is opened again: how far trials are trained now, and which are tried again."""

    fidelity: Mapping[str, Any]
    retried: Retried


def _open(store: Store, spec: StudySpec, again: _Again, tracked: _Tracked, exits: ExitStack) -> AskTellStudy:
    name = spec.name
    location = place_of_study(store, name)
    request = ResumeRequest(overrides=again.fidelity, spec=spec)
    components, asked = rebuild_components(store, location, name, request)
    refuse_fewer_trials(name, components.spec.budget.trials, store.read(name)[1])
    held = exits.enter_context(holding(store, location, name))
    extend(held, components)
    if again.retried and (again.retried != "failed" or _has_failed(store, name)):
        failed = put_back_failed(held, components, again.retried)
        exits.callback(leave_failed, held, failed)
        components = replace(components, notes=(*components.notes, *tried_again(failed)))
    for note, content in (asked | {"environment": dict(environment())}).items():
        held.writer.annotate(note, content)
    record, trials = settle(held)
    runner = runner_with_keepers(held, components, trials, tracked(location.folder))
    return _study(held, record, components, runner, exits)


def _has_failed(store: Store, name: str) -> bool:
    """Whether there is a failed trial: a program asks for those each time it is started, whether there are any."""
    return any(can_be_retried(trial) for trial in store.read(name)[1])


def _study(
    held: HeldStudy, record: StudyRecord, components: RunComponents, runner: StudyRunner, exits: ExitStack
) -> AskTellStudy:
    controller = runner.controller()
    runner.note_stop(None)
    exits.callback(lambda: runner.end(controller, controller.stop_cause))
    exits.enter_context(time_limit(controller, components.spec.budget.seconds))
    return AskTellStudy(record, held.store, controller, components, exits.pop_all())
