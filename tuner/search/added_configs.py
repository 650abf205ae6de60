"""Configurations that people add to a study while it runs, or lies idle: proposed before those of its sampler."""

from typing import final

from tuner.domain.config import Config
from tuner.domain.config_queue import ConfigQueue, QueuedConfig
from tuner.domain.sampler import FixedParams
from tuner.domain.search_space import SearchSpace
from tuner.search.unit_of_work import UnitOfWork


@final
class AddedConfigs:
    """Takes configurations out of a study's queue, in its order.

    Each is taken once, in the transaction that stores the trial it becomes. One that the space does not have, or that
    breaks its rules, is taken out with a warning: rules made in Python are not stored, so adding it did not check them.
    """

    def __init__(self, queue: ConfigQueue, space: SearchSpace) -> None:
        self._queue = queue
        self._space = space
        self._taken: set[str] = set()

    @property
    def has_any(self) -> bool:
        """Whether a configuration waits."""
        return bool(self._waiting())

    def look(self) -> None:
        """Read the queue now, however short the time since it was read."""
        self._queue.waiting(now=True)

    def take(self, fixed: FixedParams, unit: UnitOfWork) -> Config | None:
        """Return the first configuration that has the values in `fixed`; None where none of those that wait has."""
        for queued in self._waiting():
            if problem := self._problem(queued.config):
                self._dequeue(queued, unit)
                unit.warn(f"a configuration that was added is not tried, it {problem}: {dict(queued.config)}")
            elif self._space.has_values(queued.config, fixed):
                self._dequeue(queued, unit)
                return queued.config
        return None

    def _waiting(self) -> list[QueuedConfig]:
        return [each for each in self._queue.waiting() if each.key not in self._taken]

    def _dequeue(self, queued: QueuedConfig, unit: UnitOfWork) -> None:
        self._taken.add(queued.key)  # the queue may not have been read again when the next one is taken
        unit.dequeue(queued.key)

    def _problem(self, config: Config) -> str:
        if not self._space.has(config):
            return "is not of the search space"
        broken = self._space.broken_rules(config)
        return f"breaks the rule {broken[0]!r}" if broken else ""
