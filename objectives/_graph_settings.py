"""Settings of the graph objective: the `[settings]` section of a study file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives._components import GRAPHS
from tuner.objectives._settings import share_problems
from tuner.objectives.user_data.graph_options import GraphOptions

_COMMON = ("dataset", "validation", "test")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSettings:
    """The graph to train on, and the shares of its examples with a target that validate and test.

    `options` say more about a graph that comes from files.
    """

    dataset: str
    validation: float = 0.2
    test: float = 0.2
    options: GraphOptions | None = None

    @staticmethod
    def of(values: Mapping[str, Any]) -> "GraphSettings":
        """Return the settings with these values, or raise `ConfigurationError` with everything wrong with them."""
        problems = [*_problems(values)]
        if problems:
            raise ConfigurationError([f"settings.{problem}" for problem in problems])
        common = {key: value for key, value in values.items() if key in _COMMON}
        ships = values["dataset"] in GRAPHS
        return GraphSettings(**common, options=None if ships else GraphOptions.of(values))


def located(settings: Mapping[str, Any], folders: Sequence[Path]) -> Mapping[str, Any]:
    """Return the settings with the path of the graph from anywhere, where it lies in one of the folders."""
    dataset = settings.get("dataset")
    if not isinstance(dataset, str) or dataset in GRAPHS or "\0" in dataset:
        return settings
    places = (folder / Path(dataset).expanduser() for folder in folders)
    return {**settings, "dataset": next((str(place.resolve()) for place in places if place.exists()), dataset)}


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    dataset = values.get("dataset")
    ships = dataset in GRAPHS
    known = _COMMON if ships else (*_COMMON, *GraphOptions.names())
    for key in values:
        if ships and key in GraphOptions.names():
            yield f"{key}: is for graphs of your own, and {dataset!r} ships"
        elif key not in known:
            yield f"{key}: unknown setting{nearest(key, known)}"
    if not ships:
        yield from _path_problems(dataset)
        yield from GraphOptions.problems(values)
    yield from share_problems(values)


def _path_problems(dataset: object) -> Iterator[str]:
    known = ", ".join(GRAPHS.names)
    if not isinstance(dataset, str) or "\0" in dataset:
        said = "missing" if dataset is None else f"{dataset!r} is not a path"
        yield f"dataset: {said}; a folder with nodes.csv and edges.csv, a .npz file, or one of {known}"
        return
    try:
        if not Path(dataset).exists():
            yield (
                f"dataset: there is no folder or file {dataset!r}, and no graph of this name"
                f"{nearest(dataset, GRAPHS.names)} (known: {known})"
            )
    except OSError as error:
        yield f"dataset: {dataset} cannot be read: {error.strerror}"
