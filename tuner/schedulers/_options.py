"""Options that several schedulers have: what is wrong with their values, and a default."""

from collections.abc import Iterable, Iterator
from itertools import chain

from tuner.domain.errors import ConfigurationError


def refuse(*problems: Iterable[str]) -> None:
    """Raise `ConfigurationError` with all of these problems, where there are any."""
    found = [*chain(*problems)]
    if found:
        raise ConfigurationError(found)


def of_halving(min_epochs: int, eta: int, max_epochs: int, warm_up: int) -> Iterator[str]:
    """Yield everything that is wrong with the options of successive halving."""
    yield from of_min_epochs(min_epochs, max_epochs)
    yield from of_warm_up(warm_up, max_epochs)
    if eta < 2:  # noqa: PLR2004 - a rung that keeps every trial is none
        yield f"scheduler.eta: {eta} is below 2; of eta trials at a rung one continues"


def of_min_epochs(min_epochs: int, max_epochs: int) -> Iterator[str]:
    """Yield that trials could not even be judged at their last epoch, or that `min_epochs` is below 1."""
    yield from below("min_epochs", min_epochs, 1)
    if min_epochs > max_epochs:
        yield f"scheduler.min_epochs: {min_epochs} is above budget.epochs, {max_epochs}"


def of_warm_up(warm_up: int, max_epochs: int) -> Iterator[str]:
    """Yield that no trial could ever be stopped, or that `warm_up` is negative."""
    yield from below("warm_up", warm_up, 0)
    if warm_up >= max_epochs:
        yield f"scheduler.warm_up: {warm_up} is not below budget.epochs, {max_epochs}: no trial would be stopped"


def below(key: str, value: float, low: float) -> Iterator[str]:
    """Yield that an option is below what makes sense, where it is."""
    if value < low:
        yield f"scheduler.{key}: {value:g} is below {low:g}"


def first_rung(max_epochs: int, eta: int) -> int:
    """Return where trials are first compared in a study that does not count epochs: three halvings from the end.

    >>> first_rung(20_000, 3), first_rung(5, 3)
    (740, 1)
    """
    return max(1, max_epochs // max(2, eta) ** 3)
