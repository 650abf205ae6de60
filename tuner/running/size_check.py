"""Some steps at each size of a transfer, before its search: whether rates will transfer, and what the target costs."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from tuner.analysis.size_check import SizeCheck, size_check
from tuner.domain.config import Config
from tuner.domain.seed import derive
from tuner.domain.size_probe import SizeProbe
from tuner.domain.trial import Trial
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.execution.objectives import build_objective
from tuner.execution.threads import computing_with, threads_of
from tuner.running.components import RunComponents

STEPS = 5
"""How many steps are taken at each size."""


def checked_sizes(components: RunComponents) -> SizeCheck | None:
    """Train the default configuration for a few steps at each proxy, and return what they say of the target.

    None where the study transfers nothing, or its objective does not say how large its models are.
    """
    with computing_with(threads_of(components.worker_spec, os.environ)):
        return _checked(components)


def _checked(components: RunComponents) -> SizeCheck | None:
    transfer = components.spec.transfer
    probes: dict[int, SizeProbe] = {}
    for size in transfer.proxies:
        probe = _probe(components, size, STEPS)
        if probe is None:
            return None
        probes[size] = probe
    target = components.spec.settings[transfer.setting] if probes else 0
    there = _probe(components, target, 0) if probes else None
    if there is None:
        return None
    epochs = transfer.target_epochs or components.spec.budget.fidelity.most
    return size_check(transfer.setting, STEPS, probes, (target, there), epochs)


def _probe(components: RunComponents, size: int, steps: int) -> SizeProbe | None:
    """Return what the default configuration shows at a size, of one process and not of several ranks."""
    settings = {**components.spec.settings, components.spec.transfer.setting: size}
    spec = replace(components.worker_spec, settings=settings, ranks=1)
    with tempfile.TemporaryDirectory(prefix="tuner-check-") as scratch:
        trial = Trial(
            config=components.space.default,
            number=0,
            seed=derive(components.spec.seed, "trial", 0),
            device=spec.device,
            epoch=0,
            max_epochs=spec.max_epochs,
            settings=Config(settings),
            checkpoints=TrialCheckpoints(Path(scratch), 0, 0),
        )
        return build_objective(spec).probe(trial, steps)
