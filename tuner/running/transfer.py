"""What earlier studies in a storage learned, for a new one to start from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from tuner.analysis import queries
from tuner.domain.errors import ConfigurationError, nearest
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction, StudySpec
from tuner.domain.study_record import StudyRecord
from tuner.running.components import RunComponents
from tuner.search.warm_start import SourceStudy, TransferredConfig, WarmStart, carried_over
from tuner.storage.store import Store


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStartConfigs:
    """What a new study begins with, and what a person should know about it."""

    carried: tuple[TransferredConfig, ...] = ()
    notes: tuple[str, ...] = ()


def learned(store: Store, spec: StudySpec, space: SearchSpace) -> WarmStartConfigs:
    """Return what the studies that `spec` names in `warm_start` have for a new one in `space`.

    Raises `ConfigurationError` with every reason why one of them cannot be started from.
    """
    names = spec.warm_start
    if not names:
        return WarmStartConfigs()
    known = store.names
    missing = [name for name in names if name not in known]
    problems = [f"warm_start: no study {name!r} in {store.location}{nearest(name, known)}" for name in missing]
    found = [(*store.read(name), store.repetitions(name)) for name in names if name in known]
    studies = []
    for study, trials, repetitions in found:
        best = queries.top(study, trials, len(trials), repetitions)
        earlier = SourceStudy(name=study.name, space=study.space, trials=best)
        studies.append(earlier)
        problems += _problems(study, earlier, spec, space)
    if problems:
        raise ConfigurationError(problems, hint=f"{store.location.command('list')} shows the studies that there are")
    carried = carried_over(space, studies, spec.budget.trials)
    return WarmStartConfigs(carried=carried, notes=(*_doubts([study for study, _, _ in found], spec, carried),))


def _problems(study: StudyRecord, earlier: SourceStudy, spec: StudySpec, space: SearchSpace) -> Iterator[str]:
    direction = Direction(spec.direction)  # an assembled spec has one
    if study.metric == spec.metric and study.direction is not direction:
        yield (
            f"warm_start: study {study.name!r} is to {study.direction.value} {study.metric}, "
            f"this one to {direction.value} it"
        )
    if not earlier.trials:
        yield f"warm_start: study {study.name!r} has no completed trial to learn from"
    elif not earlier.has_in_common(space):
        yield f"warm_start: study {study.name!r} has no parameter in common with this search space"


def _doubts(studies: list[StudyRecord], spec: StudySpec, carried: tuple[TransferredConfig, ...]) -> Iterator[str]:
    for study in studies:
        if study.metric != spec.metric:
            yield f"warm start: the best of {study.name} are those by {study.metric}, not by {spec.metric}"
    if not carried:
        yield "warm start: no configuration is transferred: each breaks a rule of the search space or is its default"


def warm_started(components: RunComponents, begins: WarmStartConfigs) -> RunComponents:
    """Return the components with a sampler that first tries what the study starts with, and what was carried over."""
    configs = [*components.start, *(each.config for each in begins.carried)]
    starts = (Origin(kind=OriginKind.START, number=place) for place in range(len(components.start)))
    origins = [*starts, *(each.origin for each in begins.carried)]
    if not configs:
        return replace(components, notes=(*components.notes, *begins.notes))
    sampler = WarmStart(components.sampler, components.space, configs, origins)
    return replace(components, sampler=sampler, carried=begins.carried, notes=(*components.notes, *begins.notes))
