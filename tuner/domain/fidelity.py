"""Fidelity: how far a trial is trained, in the unit of its work, and the words for it.

Everything that says how far a trial is takes its words from here. See `docs/fidelity.md`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, final

MOST = 2**31 - 1
"""The largest step that every database can store: Optuna's column has 32 bits."""


class FidelityUnit(Enum):
    """What a study counts its trials' training in; the values are the keys of `[budget]`."""

    EPOCHS = "epochs"
    STEPS = "steps"
    TOKENS = "tokens"
    EXAMPLES = "examples"

    def __str__(self) -> str:
        return self.value

    @property
    def heading(self) -> str:
        """The head of a column that says how far trials are."""
        return self.value[:-1] if self in _NUMBERED else self.value

    def at(self, step: int) -> str:
        """Return where a trial is, for a sentence with "at" or "after".

        >>> FidelityUnit.EPOCHS.at(3), FidelityUnit.STEPS.at(1500), FidelityUnit.TOKENS.at(2_000_000)
        ('epoch 3', 'step 1,500', '2,000,000 tokens')
        """
        return f"{self.heading} {self.number(step)}" if self in _NUMBERED else f"{self.number(step)} {self.value}"

    def amount(self, count: int) -> str:
        """Return how much was trained.

        >>> FidelityUnit.EPOCHS.amount(27), FidelityUnit.STEPS.amount(20_000), FidelityUnit.EPOCHS.amount(1)
        ('27 epochs', '20,000 steps', '1 epoch')
        """
        return f"{self.number(count)} {self.value[:-1] if count == 1 else self.value}"

    def number(self, step: int) -> str:
        """Return only the number: epochs are few, the others are in thousands."""
        return str(step) if self is FidelityUnit.EPOCHS else f"{step:,}"


_NUMBERED = frozenset({FidelityUnit.EPOCHS, FidelityUnit.STEPS})
"""Units of which the nth has a name, as in "epoch 3"; tokens and examples are amounts."""


@final
@dataclass(frozen=True, slots=True)
class Fidelity:
    """The unit of a study, and how far its trials are trained at most."""

    unit: FidelityUnit
    most: int

    @staticmethod
    def of(budget: Mapping[str, Any]) -> "Fidelity":
        """Return the fidelity of a budget as it is stored; raises `KeyError` where it has none."""
        given = [unit for unit in FidelityUnit if budget.get(unit.value) is not None]
        if not given:
            raise KeyError("budget has neither epochs, steps, tokens nor examples")
        return Fidelity(given[0], budget[given[0].value])


def fidelity_problems(budget: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with how far a `[budget]` trains its trials, where the values have the right types."""
    given = [unit.value for unit in FidelityUnit if budget.get(unit.value) is not None]
    if len(given) > 1:
        yield f"budget: {' and '.join(given)} say in two ways how far a trial is trained; keep one of them"
    for name in given:
        if isinstance(budget[name], int) and budget[name] > MOST:
            yield (
                f"budget.{name}: {budget[name]} is above {MOST}, the largest step that a database stores; "
                "count in thousands"
            )
