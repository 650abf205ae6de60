"""Graphs that an exported model is to answer for, read as the one that it was trained on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.domain.errors import ConfigurationError
from tuner.objectives.user_data.graph_options import GraphOptions
from tuner.objectives.user_data.graph_structure import Structure
from tuner.objectives.user_data.open_graph import structure_at


def structure_described(path: Path, inputs: Mapping[str, Any]) -> Structure:
    """Return the graph at `path`, read with the options in the description of a model's inputs."""
    options = inputs["options"]
    problems = [*GraphOptions.problems(options)] if isinstance(options, Mapping) else ["options: are none"]
    if problems:
        raise ConfigurationError([f"the model's options: {problem}" for problem in problems])
    return structure_at(path.expanduser(), GraphOptions.of(options))
