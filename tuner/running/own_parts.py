"""Samplers, schedulers and executors that do not ship with tuner: their errors are reported as theirs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from typing import final

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, OwnCodeError, TunerError, described
from tuner.domain.origin import Origin
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord


@contextmanager
def built(kind: str, name: str) -> Iterator[None]:
    """Report what a class raises while it is asked about the study, or made, as a mistake in the configuration."""
    try:
        yield
    except TunerError:
        raise
    except Exception as error:
        raise ConfigurationError(f"{kind} {name}: {described(error)}") from error


@contextmanager
def attributed(parts: Mapping[type, str]) -> Iterator[None]:
    """Raise `OwnCodeError` for an exception that comes from one of `parts`, classes with what each is called."""
    try:
        yield
    except TunerError:
        raise
    except Exception as error:
        part = _raised_by(error, parts)
        if part is None:
            raise
        raise OwnCodeError(
            f"the {part} raised {described(error)}", hint="what was recorded is stored; correct it, then tuner resume"
        ) from error


def _raised_by(error: Exception, parts: Mapping[type, str]) -> str | None:
    """Return the part whose class, or else whose module, the exception came through last; None for none of them."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)][::-1]
    places = [(frame.f_globals.get("__name__"), frame.f_code.co_qualname) for frame in frames]
    of_classes = (parts[each] for place in places for each in parts if _is_of(each, *place))
    of_modules = (parts[each] for module, _ in places for each in parts if each.__module__ == module)
    return next(of_classes, None) or next(of_modules, None)


def _is_of(part: type, module: object, function: str) -> bool:
    return part.__module__ == module and function.startswith(f"{part.__qualname__}.")


@final
class CheckedSampler(Sampler):
    """Passes everything on to another sampler and refuses a proposal that is not a configuration of the space."""

    def __init__(self, sampler: Sampler, space: SearchSpace, name: str) -> None:
        self._sampler = sampler
        self._space = space
        self._name = name

    @property
    def most_proposals(self) -> float:
        return self._sampler.most_proposals

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        config = self._sampler.suggest(number, fixed)
        if config is None:
            return None
        if not isinstance(config, Config) or not self._space.has(config):
            problem = f"{config!r} is not a configuration of the search space"
        elif broken := self._space.broken_rules(config):
            problem = f"{dict(config)} breaks its rule {broken[0]!r}"
        else:
            return config
        raise OwnCodeError(
            f"the sampler {self._name!r} proposes, for trial {number}, what cannot be trained: {problem}",
            hint="space.at(...) and space.unflatten(...) make valid configurations",
        )

    def observe(self, trial: TrialRecord) -> None:
        self._sampler.observe(trial)

    def origin(self, number: int) -> Origin:
        return self._sampler.origin(number)
