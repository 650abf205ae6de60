"""A study's second part: its best configurations train again, each with several seeds that nothing was chosen by.

The repetitions are stored as a study of their own beside it, so they are led, resumed, limited and kept like any other
trials. See `docs/decisions/0010-answers-are-confirmed.md`.
"""

from collections.abc import Sequence
from dataclasses import replace

from tuner.analysis.confirmation import confirmation_of
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.ranking import ranked
from tuner.domain.seed import derive
from tuner.domain.study import Component
from tuner.domain.study_folders import StudyFolders
from tuner.domain.study_record import companion
from tuner.domain.trial import TrialRecord
from tuner.formatting.values import amount
from tuner.running.components import RunComponents
from tuner.schedulers.none import NoScheduler
from tuner.search.plan import ToTest
from tuner.search.repetitions import Repetitions


def confirming(
    components: RunComponents, trials: Sequence[TrialRecord], repetitions: Sequence[TrialRecord], folders: StudyFolders
) -> RunComponents:
    """Return the parts of the confirmation of a search that found `trials`, of which `repetitions` are stored.

    What was trained again before is not trained once more. The repetitions write into `folders`.
    """
    spec, goal = components.spec, components.goal
    configs = chosen(components.space.default, trials, goal, spec.confirm.top)
    seed = derive(spec.seed, "confirm")
    sampler = Repetitions(components.space, goal, seed, configs=configs, times=spec.confirm.seeds)
    for repetition in repetitions:
        sampler.observe(repetition)
    total = len(repetitions) + sampler.left
    return replace(
        components,
        spec=replace(
            spec,
            name=companion(spec.name),
            seed=seed,
            budget=replace(spec.budget, trials=total, target=None, patience=None, until="trials"),
            scheduler=Component(name="none"),
            resources=replace(spec.resources, parallel_mode="free"),
        ),
        # The default configuration's repetitions are not stopped for a constraint that it breaks.
        goal=replace(goal, constraints=()),
        sampler=Repetitions(components.space, goal, seed, configs=configs, times=spec.confirm.seeds),
        scheduler=NoScheduler(spec.budget.fidelity.most, goal.direction, seed),
        cohorts=components.cohorts_of_repetitions.sharing(total),
        confirms=False,
        folders=folders,
        repeats=tuple((number, config) for config in configs if (number := _number_of(config, trials)) is not None),
        data=None,
        notes=() if len(configs) == spec.confirm.top else (_few(len(configs), spec.confirm.top),),
    )


def _few(found: int, wanted: int) -> str:
    trained = f"{amount(found, 'configuration')} {'is' if found == 1 else 'are'} trained again"
    return f"{trained}, not {wanted}: trials that were stopped early cannot be the best"


def _number_of(config: Config, trials: Sequence[TrialRecord]) -> int | None:
    return next((trial.number for trial in trials if trial.config == config), None)


def chosen(default: Config, trials: Sequence[TrialRecord], goal: Goal, count: int) -> tuple[Config, ...]:
    """Return the `count` configurations to train again: the default one, and the best others."""
    configs = [default]
    for trial in ranked(trials, goal):
        if len(configs) < count and trial.config not in configs:
            configs.append(trial.config)
    return tuple(configs)


def winners(trials: Sequence[TrialRecord], goal: Goal) -> ToTest:
    """Return what chooses the repetitions to test: those of the best configuration, and of the default beside it."""

    def choose(repetitions: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
        confirmation = confirmation_of(trials, repetitions, goal)
        if confirmation is None:
            return ()
        winner, default = confirmation.winner, confirmation.default
        return (*winner.complete, *(default.complete if default is not None and default is not winner else ()))

    return choose
