"""Objectives as workers find them: by a name, a pickle or as they are; and built, ready to train."""

from typing import Any

from tuner.domain.command import Command
from tuner.domain.objective import Objective
from tuner.domain.worker_spec import PickledObjective, WorkerSpec
from tuner.execution.command.training import trained_by
from tuner.execution.generator import GeneratorObjective
from tuner.execution.host import Host
from tuner.execution.objective_pickling import unpickled
from tuner.execution.ranks.objective import RankedObjective, RankFunction
from tuner.formatting.redaction import remember
from tuner.registry.catalogue import Catalogue
from tuner.registry.import_path import resolve

OBJECTIVES = Catalogue("tuner.objectives", "objective", group="tuner.objectives")


def find_objective(worker_spec: WorkerSpec) -> Any:
    """Return what the spec names, or carries, as its objective: a function, a class or a command."""
    remember(worker_spec.settings)
    found = worker_spec.objective
    if isinstance(found, Command):
        remember(found.words)
    if isinstance(found, PickledObjective):
        return unpickled(found)
    return resolve(found, OBJECTIVES, worker_spec.folder) if isinstance(found, str) else found


def build_objective(worker_spec: WorkerSpec, host: Host | None = None) -> Objective:
    """Return the spec's objective, ready to train or to be asked questions."""
    found, host = find_objective(worker_spec), host or Host()
    if isinstance(found, Command):
        return GeneratorObjective(
            trained_by(found, worker_spec.wanted or (worker_spec.metric,), worker_spec.folder), host
        )
    objective: Objective | None = None
    if isinstance(found, type) and issubclass(found, Objective):
        objective = found(worker_spec.settings, worker_spec.seed)
        objective.want(worker_spec.wanted or (worker_spec.metric,))
    if worker_spec.ranks > 1:
        return _in_ranks(worker_spec, found, objective, host)
    return GeneratorObjective(found, host) if objective is None else objective


def _in_ranks(worker_spec: WorkerSpec, found: Any, objective: Objective | None, host: Host) -> Objective:
    """Return an objective whose trials have several processes each, forked from this one where it can be forked."""
    if host.forks:
        function = RankFunction(worker_spec, find_objective, start_method="fork", found=found)
    else:
        function = RankFunction(worker_spec, find_objective, start_method="spawn")
    return GeneratorObjective(function, host) if objective is None else RankedObjective(objective, function, host)
