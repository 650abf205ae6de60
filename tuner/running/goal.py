"""The goal of a spec: its metrics, which way each of them is better, and its constraints."""

from collections.abc import Iterator, Mapping

from tuner.domain.constraint import as_constraint
from tuner.domain.goal import OF_MODELS, Goal
from tuner.domain.metric_directions import usual_direction
from tuner.domain.study import Direction, StudySpec


def goal_of(spec: StudySpec, yields: Mapping[str, Direction]) -> Goal:
    """Return the goal, with the directions that the objective says where the spec has none.

    Where it does not either, the metric's name says it; `undirected` refuses one that does not.
    """
    metrics = tuple(spec.metrics) or (spec.metric,)
    known = {**OF_MODELS, **yields}
    directions = _given(spec) or tuple(
        known.get(name) or usual_direction(name) or Direction.MAXIMIZE for name in metrics
    )
    return Goal(metrics=metrics, directions=directions, constraints=tuple(map(as_constraint, spec.constraints)))


def _given(spec: StudySpec) -> tuple[Direction, ...]:
    """Return the directions that the spec itself says; none where they are left to the objective."""
    single = () if spec.direction is None else (spec.direction,)
    return tuple(map(Direction, spec.directions if spec.metrics else single))


def left_open(spec: StudySpec, yields: Mapping[str, Direction]) -> tuple[str, ...]:
    """Return the metrics of which neither the spec nor the objective says which way they are better."""
    if _given(spec):
        return ()
    return tuple(name for name in spec.metrics or (spec.metric,) if name not in OF_MODELS and name not in yields)


def undirected(spec: StudySpec, yields: Mapping[str, Direction] | None) -> Iterator[str]:
    """Yield the metrics without a direction: a function declares none, and a wrong guess would search the worst."""
    unknown = [name for name in left_open(spec, yields or {}) if usual_direction(name) is None]
    if yields is not None or not unknown:  # what an objective does not yield is a mistake anyway
        return
    names = " and ".join(map(repr, unknown))
    if spec.metrics:
        yield f"directions: the objective does not say which way {names} is better; give one for each metric"
    else:
        yield f'direction: nothing says which way {names} is better; write direction = "maximize" or "minimize"'


def assumed_directions(spec: StudySpec, yields: Mapping[str, Direction]) -> Iterator[str]:
    """Yield the directions that were taken from a metric's name."""
    key = "directions" if spec.metrics else "direction"
    for name in left_open(spec, yields):
        if (usual := usual_direction(name)) is not None:
            yield f"{key}: {usual.value} (assumed from the name `{name}`; set {key} to overrule)"
