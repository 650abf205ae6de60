"""What is wrong with a study's metrics, directions and constraints together."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tuner.domain.constraint import Constraint, as_constraint


def goal_problems(
    metric: str, metrics: Sequence[str], directions: Sequence[object], constraints: Sequence[Constraint | str]
) -> Iterator[str]:
    """Yield why this is nothing that a study could be after."""
    if not metric and not metrics:
        yield "metric: is missing"
    if metric and metrics and metric != metrics[0]:
        yield f"metric: {metric!r} is not the first of metrics, {metrics[0]!r}; give one of the two"
    if directions and len(directions) != len(metrics):
        yield f"directions: {len(directions)} for {len(metrics)} metrics; give one for each, or none"
    if "" in metrics:
        yield "metrics: one has no name"
    yield from (f"metrics: {name!r} is there twice" for name in _repeated(metrics))
    parsed = []
    for each in constraints:
        try:
            parsed.append(str(as_constraint(each)))
        except ValueError as error:
            yield f"constraints: {each!r} {error}"
        except (TypeError, AttributeError):
            yield f"constraints: {each!r} is not text"
    yield from (f"constraints: {text!r} is there twice" for text in _repeated(parsed))


def _repeated(names: Sequence[str]) -> list[str]:
    if not all(isinstance(name, str) for name in names):
        return []  # the check of types says so
    return [name for name, count in Counter(names).items() if count > 1]
