"""Options that several schedulers check in the same way."""

from collections.abc import Iterator

from tuner.domain.errors import ConfigurationError


def check_halving(min_epochs: int, eta: int, max_epochs: int) -> None:
    """Raise `ConfigurationError` with everything that is wrong with the options of successive halving."""
    problems = [*_min_epochs(min_epochs, max_epochs)]
    if eta < 2:  # noqa: PLR2004 - a rung that keeps everybody is none
        problems.append(f"scheduler.eta: {eta} is below 2; of eta trials at a rung one goes on")
    if problems:
        raise ConfigurationError(problems)


def check_min_epochs(min_epochs: int, max_epochs: int) -> None:
    """Raise `ConfigurationError` where trials could not even be judged at their last epoch."""
    problems = [*_min_epochs(min_epochs, max_epochs)]
    if problems:
        raise ConfigurationError(problems)


def check_at_least(key: str, value: float, low: float) -> None:
    """Raise `ConfigurationError` where an option is below what makes sense."""
    if value < low:
        raise ConfigurationError(f"scheduler.{key}: {value:g} is below {low:g}")


def _min_epochs(min_epochs: int, max_epochs: int) -> Iterator[str]:
    if min_epochs < 1:
        yield f"scheduler.min_epochs: {min_epochs} is below 1"
    if min_epochs > max_epochs:
        yield f"scheduler.min_epochs: {min_epochs} is above budget.epochs, {max_epochs}"
