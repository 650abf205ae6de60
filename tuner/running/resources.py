"""What a run is given of this machine: decides whether it trains on a GPU where the study leaves that open."""

import sys
from collections.abc import Sequence
from dataclasses import replace

from tuner.domain.capacity import Capacity
from tuner.domain.command import Command
from tuner.domain.resources import AUTO, Resources
from tuner.domain.study import INLINE, StudySpec
from tuner.formatting.values import amount
from tuner.system import hardware

_LIBRARIES = ("torch", "tensorflow", "jax")
"""What trains on a GPU where it finds one; an objective's module has been imported when this is asked."""


def decided(spec: StudySpec, found: hardware.Accelerator) -> Resources:
    """Return the spec's resources with a number in the place of `gpu = "auto"`.

    It is 1 where there is a GPU, and a command is the objective or its module has imported what can use one. `found`
    is what the machine has.
    """
    if spec.resources.gpu != AUTO:
        return spec.resources
    can_use_one = isinstance(spec.objective, Command) or any(name in sys.modules for name in _LIBRARIES)
    return replace(spec.resources, gpu=1 if found.count and can_use_one else 0)


def device_of(resources: Resources, found: hardware.Accelerator) -> str:
    """Return torch's name for what a run with these resources trains on."""
    if not resources.gpu:
        return "cpu"
    # A study that asks for what torch cannot use computes with something else.
    return "cuda" if found.device == "cpu" else found.device


def gpu_notes(spec: StudySpec, resources: Resources, found: hardware.Accelerator) -> Sequence[str]:
    """Return what is to be said of GPUs where the study leaves them open: that one is used, or cannot be."""
    if spec.resources.gpu != AUTO:
        return ()
    if resources.gpu:
        found_here = f"{amount(found.count, 'GPU')} found, and one is given to each of what trains at a time"
        return (f"{found_here}: with resources.gpu = 0.25 four share one, with 0 the processors train",)
    return (found.unused,) if found.unused else ()


def accelerator_of(capacity: Capacity | None) -> hardware.Accelerator:
    """Return what trials can train on beside processors, on the nodes of a cluster or on this machine."""
    if capacity is None:
        return hardware.accelerator()
    return hardware.Accelerator("cuda", int(capacity.gpu)) if capacity.gpu else hardware.Accelerator("cpu", 0)


def missing(resources: Resources, capacity: Capacity | None) -> Sequence[str]:
    """Return what of one cohort's demand neither this machine nor any node of the cluster can meet."""
    where = hardware if capacity is None else capacity
    problems = where.missing(resources.num_cpus, resources.num_gpus)
    if not problems or resources.ranks == 1:
        return problems
    ranks = f"the {resources.ranks} ranks of a trial (resources.ranks) lie on one machine, each with cpu and gpu"
    return tuple(f"{problem}: {ranks}" for problem in problems)


def cohorts_at_a_time(executor: str, resources: Resources, capacity: Capacity | None = None) -> int:
    """Return how many cohorts train at a time under an executor with these resources, which are decided."""
    if executor == INLINE:
        return 1
    if resources.parallel == AUTO:
        where = hardware if capacity is None else capacity
        return where.cohorts_at_a_time(resources.num_cpus, resources.num_gpus)
    return int(resources.parallel)
