"""Task and kind of input, which decide which components fit together."""

from enum import Enum


class Task(Enum):
    """What is asked of a model."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    LANGUAGE = "language"
    """The next token of a text."""


class Input(Enum):
    """What one example looks like; the shape in brackets is what an architecture is given."""

    IMAGE = "image"
    """(channels, height, width)"""
    SEQUENCE = "sequence"
    """(steps, features)"""
    TABLE = "table"
    """(columns,)"""
    TOKENS = "tokens"
    """(steps,): whole numbers; a model answers each step."""
    GRAPH = "graph"
    """(features,) of each node; the architecture is given the whole graph"""
