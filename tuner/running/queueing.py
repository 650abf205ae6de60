"""Adds configurations to a stored study: checked, completed, and put into its queue, from which it takes them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from tuner.domain.choice import Choice
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.search_space import SearchSpace
from tuner.domain.space_difference import difference
from tuner.domain.start_configs import CompletedConfig, completed
from tuner.domain.study_record import StudyRecord, is_companion
from tuner.domain.trial import TrialRecord
from tuner.formatting.values import amount
from tuner.running.outcome import how_to_resume
from tuner.spec.space_file import is_space_file, read_space_file
from tuner.storage.store import Store


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What was added to a study, and what is to be said about it."""

    configs: tuple[CompletedConfig, ...]
    """Those that wait now; duplicates were left out."""
    notes: tuple[str, ...]
    trials: int | None
    """How many trials the study needs in all for everything that waits; None where it has as many."""


def add_to_study(
    store: Store, name: str, given: Sequence[Mapping[str, Any]], space: SearchSpace | None = None
) -> Queued:
    """Put configurations into the queue of a stored study, which may be run by another process meanwhile.

    They are whole or parts, nested as configurations are or with dotted keys such as "optimizer.lr". One that a trial
    had, or that waits already, is left out. `space` is that of the running study, with its rules: they are in no
    database, and where no TOML file has them either they are checked when a configuration is to be tried. Raises
    `ConfigurationError` with everything that is wrong with any of them.
    """
    if is_companion(name):
        raise ConfigurationError(f"{name!r} are the repetitions of a study: nothing is added to them")
    study, trials = store.read(name)
    space = space or _with_rules(study)
    known = space or study.space
    if known is None:
        raise ConfigurationError(
            f"study {name!r} was not made by tuner, so nothing can be added to it here",
            hint="Optuna adds to it: study.enqueue_trial(...)",
        )
    _refuse_no_mappings(given)
    configs = completed(known, [nested(known, each) for each in given], "config")
    waiting = [each.config for each in store.queue(name).waiting()]
    chosen: list[CompletedConfig] = []
    notes: list[str] = []
    for index, each in enumerate(configs):
        if duplicate := _duplicate(each.config, trials, [*waiting, *(one.config for one in chosen)]):
            notes.append(f"config[{index}] is not added: {duplicate}")
        else:
            chosen.append(each)
    store.enqueue(name, [each.config for each in chosen])
    if chosen and study.rules and space is None:
        notes.append("the rules of the search space are not stored: they are checked when it is to be tried")
    needed, target = len(trials) + len(waiting) + len(chosen), study.spec["budget"]["trials"]
    if not chosen or needed <= target:
        return Queued(configs=tuple(chosen), notes=tuple(notes), trials=None)
    more = f"what is beyond them is tried with more trials: {how_to_resume(store.location, study, needed)}"
    notes.append(f"the study has {len(trials)} of its {amount(target, 'trial')}; {more}")
    return Queued(configs=tuple(chosen), notes=tuple(notes), trials=needed)


def _with_rules(study: StudyRecord) -> SearchSpace | None:
    """Return the study's search space with its rules, where a TOML file still says what it was; None elsewhere."""
    named = study.spec.get("search_space", "")
    if study.space is None or not is_space_file(named):
        return None
    try:
        found = read_space_file(Path(named))
    except ConfigurationError:  # the study cannot be resumed with it, and that says why
        return None
    is_same = not difference(study.space, found) and study.rules == tuple(rule.reason for rule in found.rules)
    return found if is_same else None


def _is_mapping(given: object) -> bool:
    return isinstance(given, Mapping)


def _refuse_no_mappings(given: Sequence[object]) -> None:
    strange = [f"config[{at}]: {each!r} is no mapping" for at, each in enumerate(given) if not _is_mapping(each)]
    if strange:
        raise ConfigurationError(strange, hint="give each configuration by itself: study.add({...}, {...})")


def nested(space: SearchSpace, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration, or a part of one, with sections in place of dotted keys.

    Keys are paths in the configuration, `optimizer.lr`, or those of parameters, `optimizer.adamw.lr`.
    """
    found: dict[str, Any] = {}
    for key, value in given.items():
        _put(found, [*_steps(space, str(key))], nested_values(value))
    return found


def nested_values(value: Any) -> Any:
    """Return a section as a dict that may be changed, and any other value as it is."""
    return {key: nested_values(each) for key, each in value.items()} if isinstance(value, Mapping) else value


def _steps(space: SearchSpace, key: str) -> Iterator[tuple[str, str | None]]:
    """Yield the names on the way to a value, each with the branch that the path has chosen there (None: none)."""
    parts, prefix = key.split("."), ""
    while parts:
        name = parts.pop(0)
        parameter = space.parameters.get(f"{prefix}{name}")
        branches = (parameter.branches or ()) if isinstance(parameter, Choice) else ()
        branch = parts.pop(0) if len(parts) > 1 and parts[0] in branches else None
        prefix = f"{prefix}{name}." if branch is None else f"{prefix}{name}.{branch}."
        yield name, branch


def _put(section: dict[str, Any], steps: list[tuple[str, str | None]], value: Any) -> None:
    (name, branch), *rest = steps
    before = section.get(name)
    if not rest:
        section[name] = {**before, "name": value} if isinstance(before, dict) and "name" not in before else value
        return
    if not isinstance(before, dict):  # the name of a branch may come before what is in it
        section[name] = {} if before is None else {"name": before}
    if branch is not None:
        section[name]["name"] = branch
    _put(section[name], rest, value)


def _duplicate(config: Config, trials: Sequence[TrialRecord], waiting: Sequence[Config]) -> str:
    """Return why a configuration would be tried twice; "" where it would not."""
    if config in waiting:
        return "the same one waits already"
    tried = next((trial.number for trial in trials if trial.config_at(1) == config), None)
    return "" if tried is None else f"trial {tried} has the same one"
