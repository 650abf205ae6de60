"""Scaling a study: its best configuration on a ladder of sizes, what that says of the target, and the target itself.

Each step is a study of its own beside the search, so it is resumed, limited and kept like any other. What was
predicted is stored with the search before the target is trained, and what came of it afterwards.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, final

from tuner.analysis import queries
from tuner.analysis.drift import Drift, Rung, described, extrapolated, fitted_drift
from tuner.domain.choice import Choice
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, NoUsableTrialError, StudyInterrupted
from tuner.domain.goal import Goal
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.study import Budget, Component, Confirm, StudySpec
from tuner.domain.transfer import Transfer
from tuner.domain.trial import TrialRecord, TrialState
from tuner.running import launch
from tuner.running.resume_request import ResumeRequest
from tuner.running.stored_study import place_of_study, rebuild_components
from tuner.running.tracked_listeners import MakeListeners
from tuner.storage.store import open_store

NOTE = "transfer"
"""The note of a study that says how its best value drifts, what is predicted of the target, and what came of it."""

Trains = Callable[["Forecast"], bool]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a ladder says of a target before it is trained: the parameter's value, hours, and a guess of the metric."""

    target: int
    parameter: str
    used: float
    drift: Drift
    rungs: tuple[Mapping[str, Any], ...]
    seconds: float
    guess: float
    warnings: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "target": self.target,
            "parameter": self.parameter,
            "used": self.used,
            "drift": self.drift.describe(),
            "ladder": list(self.rungs),
            "seconds": self.seconds,
            "guess": self.guess,
            "warnings": list(self.warnings),
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """What was predicted of a target, and the trial that it became; None where it was not to be trained."""

    study: str
    metric: str
    forecast: Forecast
    trial: TrialRecord | None

    def describe(self) -> dict[str, Any]:
        """Return the JSON form, as it is stored with the search."""
        trial = self.trial
        outcome = None if trial is None else {"value": trial.value, "epoch": trial.epoch, "seconds": trial.seconds}
        return {**self.forecast.describe(), "study": self.study, "metric": self.metric, "outcome": outcome}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """A finished search: its spec, goal and the configuration that is transferred."""

    spec: StudySpec
    goal: Goal
    space: SearchSpace
    best: Config

    @property
    def target(self) -> int:
        """The size that is trained in the end."""
        size: int = self.spec.settings[self.spec.transfer.setting]
        return size


def scale(
    name: str,
    *,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    listeners: MakeListeners | None = None,
    trust: bool = False,
    trains: Trains = lambda _: True,
) -> Scaled:
    """Check the best of study `name` on its ladder, say what is to be expected, and train the target once.

    What is there is not trained again, and what was interrupted continues. `trains` is given what is to be expected,
    and says whether to train the target. Raises `ConfigurationError` where the study transfers nothing, or refuses a
    drift.
    """
    search = _search(name, storage, overrides or {}, trust=trust)
    run = _Runs(name, storage, listeners, trust=trust)
    try:
        forecast = _forecast(search, [*_climbed(search, run)])
        scaled = Scaled(study=_study(name, "target"), metric=search.goal.metric, forecast=forecast, trial=None)
        run.note(scaled)
        if not trains(forecast):
            return scaled
        _refuse_drift(search, forecast)
        (trial,) = run.trials("target", _target_spec(search, forecast.used))
    except StudyInterrupted as interruption:
        raise StudyInterrupted(name, interruption.exit_code) from None
    scaled = replace(scaled, trial=trial)
    run.note(scaled)
    return scaled


@final
class _Runs:
    """Runs the studies of a scaling, each to its end, and keeps what they say with the search."""

    def __init__(self, name: str, storage: str | None, listeners: MakeListeners | None, *, trust: bool) -> None:
        self._name, self._storage, self._listeners, self._trust = name, storage, listeners, trust

    def trials(self, part: str, spec: StudySpec) -> Sequence[TrialRecord]:
        """Return the trials of one of them, which is run where it is not finished; raises where one is not complete."""
        name = _study(self._name, part)
        with closing(open_store(self._storage)) as store:
            known = name in store.names
            before = store.read(name)[1] if known else ()
        finished = sum(trial.state.is_finished for trial in before)
        if not known:
            launch.run(replace(spec, name=name), storage=self._storage, listeners=self._listeners)
        elif finished < spec.budget.trials:
            launch.resume(name, ResumeRequest(trust=self._trust), storage=self._storage, listeners=self._listeners)
        with closing(open_store(self._storage)) as store:
            trials = store.read(name)[1]
            again = store.location.command("scale", self._name)
        failed = [trial for trial in trials if trial.state is not TrialState.COMPLETE or trial.value is None]
        if failed or len(trials) < spec.budget.trials:
            why = next((each.failure.summary for each in failed if each.failure is not None), "it was stopped")
            raise NoUsableTrialError(f"study {name!r} is not complete: {why}", hint=f"continue with: {again}")
        return trials

    def note(self, scaled: Scaled) -> None:
        """Keep with the search what is known of its target."""
        with closing(open_store(self._storage)) as store, store.holding(self._name) as writer:
            writer.annotate(NOTE, scaled.describe())


def _search(name: str, storage: str | None, overrides: Mapping[str, Any], *, trust: bool) -> _Search:
    with closing(open_store(storage)) as store:
        components, _ = rebuild_components(
            store, place_of_study(store, name), name, ResumeRequest(overrides=overrides, trust=trust)
        )
        study, trials = store.read(name)
        best = queries.summarise(study, trials, store.repetitions(name)).best
        resume = store.location.command("resume", name)
    spec = components.spec
    if not spec.transfer.proxies:
        raise ConfigurationError(
            f"study {name!r} transfers nothing: it was searched at the size of its settings",
            hint="a section [transfer] with proxies = [32, 64, 128] searches at 32 for the size in [settings]",
        )
    if best is None:
        raise NoUsableTrialError(f"no trial of study {name!r} is complete", hint=resume)
    return _Search(spec=spec, goal=components.goal, space=components.space, best=best.config)


def _study(name: str, part: str) -> str:
    return f"{name}.{part}"


def _climbed(search: _Search, run: _Runs) -> Iterator[Rung]:
    """Yield what each size has shown with each seed; each is tried around what the smaller ones say of it."""
    transfer, direction = search.spec.transfer, search.goal.direction
    rungs: list[Rung] = []
    for size in transfer.proxies:
        centre = _value_at(search.best, transfer.parameter)
        if len({rung.size for rung in rungs}) > 1:
            centre = fitted_drift([each.size for each in rungs], [each.best(direction) for each in rungs], size).value
        elif rungs:
            centre = 2.0 ** fmean(math.log2(each.best(direction)) for each in rungs)
        for seed in range(transfer.seeds):
            spec = _rung_spec(search, size, _around(centre, transfer.rates), derive(search.spec.seed, "ladder", seed))
            trials = run.trials(f"{transfer.setting}-{size}.seed-{seed}", spec)
            rungs.append(_rung(size, seed, trials, transfer.parameter))
            yield rungs[-1]


def _around(centre: float, count: int) -> list[float]:
    """Return values a factor of 2 apart, the centre first; it is rounded, so that a run that continues has the same."""
    first = float(f"{centre:.6g}")
    others = [first * 2.0 ** (step - count // 2) for step in range(count) if step != count // 2]
    return [first, *others]


def _rung(size: int, seed: int, trials: Sequence[TrialRecord], parameter: str) -> Rung:
    seconds = [trial.seconds for trial in trials if trial.seconds is not None]
    values = {_value_at(trial.config, parameter): float(trial.value or 0.0) for trial in trials}
    return Rung(size=size, seed=seed, values=values, seconds=sum(seconds) / max(1, len(seconds)))


def _value_at(config: Mapping[str, Any], parameter: str) -> float:
    found: Any = config
    for key in parameter.split("."):
        if not isinstance(found, Mapping) or key not in found:
            raise ConfigurationError(f"transfer.parameter: the best configuration has nothing at {parameter!r}")
        found = found[key]
    return float(found)


def _rung_spec(search: _Search, size: int, values: Sequence[float], seed: int) -> StudySpec:
    return _fixed(search, size, values, search.spec.budget.fidelity.most, seed)


def _target_spec(search: _Search, value: float) -> StudySpec:
    epochs = search.spec.transfer.target_epochs or search.spec.budget.fidelity.most
    spec = _fixed(search, search.target, [value], epochs, search.spec.seed)
    ranks = search.spec.transfer.target_ranks or spec.resources.ranks
    return replace(spec, resources=replace(spec.resources, ranks=ranks))


def _fixed(search: _Search, size: int, values: Sequence[float], most: int, seed: int) -> StudySpec:
    """Return a study that trains the best configuration with each of these values, to the end."""
    spec, transfer = search.spec, search.spec.transfer
    budget: dict[str, Any] = {"trials": len(values), spec.budget.fidelity.unit.value: most}
    return replace(
        spec,
        search_space=_space(search.best, transfer.parameter.split("."), values),
        settings={**spec.settings, transfer.setting: size},
        seed=seed,
        budget=Budget(**budget),
        sampler=Component(name="grid"),
        scheduler=Component(name="none"),
        confirm=Confirm(run=False),
        transfer=Transfer(),
        warm_start=(),
        start=(),
    )


def _space(config: Mapping[str, Any], path: Sequence[str], values: Sequence[float]) -> SearchSpace:
    """Return a space that has one configuration for each of the values at `path`; the first one is its default."""
    chosen = {key: _choice(value, path[1:] if key == path[0] else [], values) for key, value in config.items()}
    return SearchSpace(**chosen)


def _choice(value: Any, path: Sequence[str], values: Sequence[float]) -> Choice:
    if not isinstance(value, Mapping):
        return Choice(value)
    inner = {key: each for key, each in value.items() if key != "name"}
    branch: dict[str, Any] = {
        key: Choice(*sorted(values), default=values[0]) if [key] == list(path) else Choice(each)
        for key, each in inner.items()
    }
    branches: dict[str, Any] = {value["name"]: branch}
    return Choice(**branches)


def _forecast(search: _Search, rungs: Sequence[Rung]) -> Forecast:
    spec, direction, transfer = search.spec, search.goal.direction, search.spec.transfer
    sizes = [rung.size for rung in rungs]
    drift = fitted_drift(sizes, [rung.best(direction) for rung in rungs], search.target)
    bests = [max(rung.values.values(), key=lambda each: direction.sign * each) for rung in rungs]
    longer = (transfer.target_epochs or spec.budget.fidelity.most) / spec.budget.fidelity.most
    edges = sorted({rung.size for rung in rungs if rung.is_at_edge(direction)})
    return Forecast(
        target=search.target,
        parameter=transfer.parameter,
        used=_value_at(search.best, transfer.parameter) if transfer.on_drift == "ignore" else drift.value,
        drift=drift,
        rungs=tuple(described(rung, direction) for rung in rungs),
        seconds=extrapolated(sizes, [rung.seconds for rung in rungs], search.target) * longer,
        guess=extrapolated(sizes, bests, search.target),
        warnings=tuple(
            f"the best {transfer.parameter} at {transfer.setting} {size} is the smallest or largest that was tried: "
            "a better one may lie beyond; give transfer.rates more"
            for size in edges
        ),
    )


def _refuse_drift(search: _Search, forecast: Forecast) -> None:
    if search.spec.transfer.on_drift == "refuse" and forecast.drift.is_certain:
        raise ConfigurationError(
            f"the best {forecast.parameter} drifts by {forecast.drift.slope:+.2f} powers of 2 per doubling, and "
            'transfer.on_drift is "refuse"',
            hint='on_drift = "extrapolate" takes what the ladder says, "ignore" what the search found',
        )
