"""Options that several schedulers check in the same way."""

from collections.abc import Iterator

from tuner.domain.errors import ConfigurationError


def check_halving(min_epochs: int, eta: int, max_epochs: int, warm_up: int) -> None:
    """Raise `ConfigurationError` with everything that is wrong with the options of successive halving."""
    problems = [*_min_epochs(min_epochs, max_epochs), *_warm_up(warm_up, max_epochs)]
    if eta < 2:  # noqa: PLR2004 - a rung that keeps everybody is none
        problems.append(f"scheduler.eta: {eta} is below 2; of eta trials at a rung one goes on")
    if problems:
        raise ConfigurationError(problems)


def check_min_epochs(min_epochs: int, max_epochs: int, warm_up: int) -> None:
    """Raise `ConfigurationError` where trials could not even be judged at their last epoch."""
    problems = [*_min_epochs(min_epochs, max_epochs), *_warm_up(warm_up, max_epochs)]
    if problems:
        raise ConfigurationError(problems)


def check_warm_up(warm_up: int, max_epochs: int) -> None:
    """Raise `ConfigurationError` where no trial could ever be stopped, or `warm_up` is negative."""
    problems = [*_warm_up(warm_up, max_epochs)]
    if problems:
        raise ConfigurationError(problems)


def first_rung(max_epochs: int, eta: int) -> int:
    """Return where trials are first compared in a study that does not count epochs: three halvings from the end.

    >>> first_rung(20_000, 3), first_rung(5, 3)
    (740, 1)
    """
    return max(1, max_epochs // max(2, eta) ** 3)


def check_at_least(key: str, value: float, low: float) -> None:
    """Raise `ConfigurationError` where an option is below what makes sense."""
    if value < low:
        raise ConfigurationError(f"scheduler.{key}: {value:g} is below {low:g}")


def _min_epochs(min_epochs: int, max_epochs: int) -> Iterator[str]:
    if min_epochs < 1:
        yield f"scheduler.min_epochs: {min_epochs} is below 1"
    if min_epochs > max_epochs:
        yield f"scheduler.min_epochs: {min_epochs} is above budget.epochs, {max_epochs}"


def _warm_up(warm_up: int, max_epochs: int) -> Iterator[str]:
    if warm_up < 0:
        yield f"scheduler.warm_up: {warm_up} is below 0"
    if warm_up >= max_epochs:
        yield f"scheduler.warm_up: {warm_up} is not below budget.epochs, {max_epochs}: no trial would be stopped"
