"""Checks of a study before it runs: errors that keep it from running, and warnings."""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuner.domain.command import Command
from tuner.domain.errors import nearest
from tuner.domain.fidelity import EPOCHS
from tuner.domain.goal import OF_MODELS, Goal
from tuner.domain.metric_directions import usual_direction
from tuner.domain.object_reference import reference_to
from tuner.domain.objective import Objective
from tuner.domain.resources import AUTO
from tuner.domain.sampler import Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import INLINE, Direction, StudySpec, as_component
from tuner.domain.study_folders import StudyFolders
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.generator import GeneratorObjective
from tuner.formatting.values import amount
from tuner.running.goal import assumed_directions
from tuner.storage.url_store import is_of_one_process, url_problem

_MOST_LISTED = 1_000
"""Up to so many configurations are counted one by one, which gives how many the rules leave."""

_MOST_WRITTEN_OUT = 1e9


def unfit_objective(
    objective: Objective, yields: Mapping[str, Direction], space: SearchSpace | None, goal: Goal
) -> Iterator[str]:
    """Yield what the goal or the space asks of the objective in vain."""
    keys = {each.metric: "constraints" for each in goal.constraints}
    keys |= dict.fromkeys(goal.metrics, "metrics" if goal.has_several else "metric")
    for name in goal.wanted:
        if name not in yields:
            known = f"(it yields: {', '.join(yields)})"
            yield f"{keys[name]}: the objective does not yield {name!r}{nearest(name, yields)} {known}"
    if space is not None:
        yield from objective.problems(space)


def uncounted_unit(spec: StudySpec, objective: Objective) -> Iterator[str]:
    """Yield that an objective which is a class cannot be counted in the unit of the budget: it advances by epochs."""
    unit = spec.budget.fidelity.unit
    if unit != EPOCHS and not isinstance(objective, GeneratorObjective):
        name = reference_to(spec.objective)
        yield f"budget.{unit.key}: the objective {name} trains epoch by epoch; give budget.epochs in place of it"


def unwritable_folders(folders: StudyFolders) -> Iterator[str]:
    """Yield which folder no trial could write into: each of them would fail."""
    for folder, what in ((folders.logs, "what trials print"), (folders.trials, "the trials' own files")):
        there = next((each for each in (folder, folder.parent) if os.path.lexists(each)), None)
        if there is not None and not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            why = "cannot be written" if there.is_dir() else "is not a folder"
            yield f"{there}, for {what}, {why}: change its rights, or move it away"


def unusable_storage(spec: StudySpec) -> Iterator[str]:
    """Yield why checkpoints cannot be kept where the study says."""
    url = spec.storage.checkpoints
    problem = url_problem(url) if url else None
    if problem is not None:
        yield f"storage.checkpoints: {problem}"
    elif url and is_of_one_process(url) and spec.executor != INLINE:
        yield f'storage.checkpoints: {url} is the memory of one process: it serves executor = "inline" alone'


def unrankable(spec: StudySpec, objective: Objective | None) -> Iterator[str]:
    """Yield why trials cannot have several processes although the study asks for it."""
    resources = spec.resources
    if resources.ranks == 1:
        return
    asked = f"resources.ranks = {resources.ranks}"
    if isinstance(spec.objective, Command):
        yield f"{asked}: a command starts its ranks itself, as torchrun does; leave it out, and give cpu and gpu of all"
    elif not spec.objective:
        yield f"{asked}: a program that asks and tells starts its processes itself"
    elif objective is not None and not isinstance(objective, GeneratorObjective) and not objective.ranked:
        yield f"{asked}: the objective {reference_to(spec.objective)} trains in one process"
    if resources.gpu not in (AUTO, 0, 1):
        yield f"resources.gpu: {resources.gpu:g} of each rank; a rank has one GPU, or none"
    if resources.share_process:
        yield f"resources.share_process: with {asked} every trial has processes of its own"


def unconfirmable(spec: StudySpec, worker_spec: WorkerSpec, goal: Goal) -> Iterator[str]:
    """Yield why the study cannot be confirmed although it asks for it."""
    if spec.confirm.run is not True:
        return
    if worker_spec.exploits:
        name = as_component(spec.scheduler).name
        yield f"confirm: under {name} a trial has several configurations, which cannot be trained again as one"
    if goal.has_several:
        yield "confirm: with several metrics there is no single best configuration to confirm"


def unending(spec: StudySpec, goal: Goal) -> Iterator[str]:
    """Yield what is to end the study that cannot: it compares trials by one value."""
    if goal.has_several:
        ends = {"target": spec.budget.target, "patience": spec.budget.patience, "until": spec.budget.until}
        for key, value in ends.items():
            if value not in (None, "trials"):
                yield f"budget.{key}: with several metrics there is no single value that it could judge"


def uncombinable(spec: StudySpec, objective: Objective, goal: Goal) -> Iterator[str]:
    """Yield why the study's model cannot be an ensemble although it asks for one."""
    if spec.answer.ensemble is not True:
        return
    if type(objective).ensemble is Objective.ensemble:
        yield f"answer.ensemble: {type(objective).__name__} does not say how its models are averaged"
    if goal.has_several or goal.constraints:
        yield "answer.ensemble: an average has neither the further metrics of its trials nor meets their constraints"


def unrepeatable(spec: StudySpec, *, exploits: bool) -> Iterator[str]:
    """Yield why the study cannot be reproducible although it asks for it."""
    resources = spec.resources
    if resources.parallel_mode != "reproducible":
        return
    asked = 'resources.parallel_mode = "reproducible"'
    if resources.parallel == AUTO:
        yield f'resources.parallel: "auto" depends on the machine; {asked} needs the number of trials in flight'
    if resources.cohort not in (AUTO, 1):
        yield f"resources.cohort: {asked} trains each trial by itself, since who trains together depends on time"
    if exploits:
        yield f"scheduler {as_component(spec.scheduler).name}: {asked} lets a trial depend on earlier ones alone"
    if not spec.objective:
        yield f"{asked}: a program that asks and tells decides itself how many trials are in flight"


def untellable(spec: StudySpec, worker_spec: WorkerSpec) -> Iterator[str]:
    """Yield why a program that asks and tells cannot have the scheduler."""
    if not spec.objective and worker_spec.exploits:
        name = as_component(spec.scheduler).name
        yield f"scheduler {name}: trials continue from others' states, which a program that asks and tells cannot do"


def questionable_choices(spec: StudySpec, yields: Mapping[str, Direction], goal: Goal) -> Iterator[str]:
    """Yield what is allowed, but probably not meant, in the spec and the environment."""
    yield from assumed_directions(spec, yields)
    yield from _unusual_directions(yields, goal)
    scratch = os.environ.get("TMPDIR")
    if scratch and not os.access(scratch, os.W_OK | os.X_OK):
        reason = "cannot be written" if Path(scratch).is_dir() else "is not a folder"
        yield f"TMPDIR={scratch} {reason}: temporary files are elsewhere"
    if spec.cluster.address and spec.executor != "ray":
        yield f"cluster.address has no effect: the executor is {spec.executor}, only ray joins a cluster"


def _unusual_directions(yields: Mapping[str, Direction], goal: Goal) -> Iterator[str]:
    """Yield the metrics that the study takes the other way round than is usual."""
    for metric, direction in zip(goal.metrics, goal.directions, strict=True):
        usual = {**OF_MODELS, **yields}.get(metric) or usual_direction(metric) or direction
        if usual is not direction:
            yield f"{metric} is usually to {usual.value}, this study is to {direction.value} it"


def ineffective_cohort(spec: StudySpec, isolation: Isolation) -> Iterator[str]:
    """Yield that trials train one by one although more to a cohort are asked for."""
    if isolation is not Isolation.TRIAL or spec.resources.cohort in (AUTO, 1):
        return
    in_vain = f"cohort = {spec.resources.cohort} has no effect"
    if spec.resources.ranks > 1:
        yield f"{in_vain}: with resources.ranks = {spec.resources.ranks} every trial has processes of its own"
    else:
        yield (
            f"{in_vain}: the objective is a function, whose trials have a process each; with "
            "resources.share_process = true they take turns in one"
        )


def unusual_space_size(spec: StudySpec, space: SearchSpace, sampler: Sampler) -> Iterator[str]:
    """Yield what to expect where the space, or the sampler, has another number of configurations than the budget."""
    trials, limit = spec.budget.trials, sampler.most_proposals
    at_most = "at most " if space.rules else ""
    if trials < limit < math.inf:
        yield (
            f"the grid has {at_most}{_configurations(limit)}, of which {trials} trials try the first: raise "
            "budget.trials, lower sampler.points, or use another sampler"
        )
    elif limit < trials:
        yield f"the grid has {at_most}{_configurations(limit)}: the study ends before its {amount(trials, 'trial')}"
    elif (count := len(every) if (every := space.every(_MOST_LISTED)) is not None else space.count) < trials:
        yield (
            f"the search space has {_configurations(count)}, fewer than the {trials} trials: once each was "
            "tried, a further trial trains one of them again with another seed"
        )


def ineffective_priors(space: SearchSpace, sampler: Sampler) -> Iterator[str]:
    """Yield that the priors of the space change no proposal, where a grid has all configurations anyway."""
    if space.has_priors and not math.isinf(sampler.most_proposals):
        yield "the priors of the search space change nothing: a grid tries its configurations in a fixed order"


def _configurations(count: float) -> str:
    if count == 1:
        return "1 configuration"
    return f"{f'{count:,.0f}' if count < _MOST_WRITTEN_OUT else f'{count:.1e}'} configurations"
