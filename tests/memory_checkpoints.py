"""Checkpoints of a trial in this process's memory, and checkpoints that keep nothing."""

import copy
from collections.abc import Mapping
from typing import Any

from tuner.domain.checkpoints import Checkpoints


class InMemory(Checkpoints):
    """Keeps the last state of one trial, by value."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self.state = state

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = copy.deepcopy(state)

    def load(self) -> Mapping[str, Any] | None:
        return copy.deepcopy(self.state)


class Forgetful(Checkpoints):
    """Keeps nothing, so that a trial starts at the beginning."""

    def save(self, state: Mapping[str, Any]) -> None:
        pass

    def load(self) -> None:
        return None
