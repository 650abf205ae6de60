"""Fidelity: how far a trial is trained, in the unit of its work, and the words for it.

Everything that says how far a trial is takes its words from here. See `docs/fidelity.md`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

MOST = 2**31 - 1
"""The largest step that every database can store: Optuna's column has 32 bits."""


@final
@dataclass(frozen=True, slots=True)
class FidelityUnit:
    """What a study counts its trials' training in: one of `UNITS`, or a unit of its own by its plural, "trees"."""

    value: str

    def __str__(self) -> str:
        return self.value

    @property
    def is_own(self) -> bool:
        """Whether it is a unit that only this study has."""
        return self not in UNITS

    @property
    def key(self) -> str:
        """The key of `[budget]` that says how far a trial is trained in this unit."""
        return AMOUNT if self.is_own else self.value

    @property
    def heading(self) -> str:
        """The head of a column that says how far trials are."""
        return self.value[:-1] if self in _NUMBERED else self.value

    def at(self, step: int) -> str:
        """Return where a trial is, for a sentence with "at" or "after".

        >>> EPOCHS.at(3), STEPS.at(1500), TOKENS.at(2_000_000), FidelityUnit("trees").at(50)
        ('epoch 3', 'step 1,500', '2,000,000 tokens', '50 trees')
        """
        return f"{self.heading} {self.number(step)}" if self in _NUMBERED else f"{self.number(step)} {self.value}"

    def amount(self, count: int) -> str:
        """Return how much was trained.

        >>> EPOCHS.amount(27), STEPS.amount(20_000), EPOCHS.amount(1)
        ('27 epochs', '20,000 steps', '1 epoch')
        """
        return f"{self.number(count)} {self._singular if count == 1 else self.value}"

    def number(self, step: int) -> str:
        """Return only the number: epochs are few, the others are in thousands."""
        return str(step) if self == EPOCHS else f"{step:,}"

    @property
    def _singular(self) -> str:
        return self.value.removesuffix("s")


EPOCHS = FidelityUnit("epochs")
STEPS = FidelityUnit("steps")
TOKENS = FidelityUnit("tokens")
EXAMPLES = FidelityUnit("examples")

UNITS = (EPOCHS, STEPS, TOKENS, EXAMPLES)
"""The units that have a key of their own in `[budget]`."""

UNIT, AMOUNT = "unit", "amount"
"""The keys of `[budget]` that name a unit of one's own, and say how much of it a trial is trained."""

UNIT_KEYS = (*(unit.value for unit in UNITS), UNIT, AMOUNT)
"""The keys of `[budget]` that say how far a trial is trained, and in which unit."""

_NUMBERED = frozenset({EPOCHS, STEPS})
"""Units of which the nth has a name, as in "epoch 3"; all others are amounts."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@final
@dataclass(frozen=True, slots=True)
class Fidelity:
    """The unit of a study, and how far its trials are trained at most."""

    unit: FidelityUnit
    most: int

    @staticmethod
    def of(budget: Mapping[str, Any]) -> "Fidelity":
        """Return the fidelity of a budget as it is stored; raises `KeyError` where it has none."""
        given = [unit for unit in UNITS if budget.get(unit.value) is not None]
        if given:
            return Fidelity(given[0], budget[given[0].value])
        if budget.get(UNIT) is not None and budget.get(AMOUNT) is not None:
            return Fidelity(FidelityUnit(budget[UNIT]), budget[AMOUNT])
        raise KeyError("budget has neither epochs, steps, tokens, examples nor a unit of its own with an amount")


def fidelity_problems(budget: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with how far a `[budget]` trains its trials, where the values have the right types."""
    given = [unit.value for unit in UNITS if budget.get(unit.value) is not None]
    own = [key for key in (UNIT, AMOUNT) if budget.get(key) is not None]
    if len(given) + bool(own) > 1:
        both = " and ".join([*given, *own[:1]])
        yield f"budget: {both} say in two ways how far a trial is trained; keep one of them"
    elif len(own) == 1:
        yield (
            "budget.amount is missing: how far a trial is trained in the study's own unit"
            if own == [UNIT]
            else 'budget.unit is missing: what budget.amount counts, such as unit = "trees"'
        )
    if UNIT in own and isinstance(budget[UNIT], str):
        yield from _name_problems(budget[UNIT])
    for name in (*given, *(key for key in own if key == AMOUNT)):
        if isinstance(budget[name], int) and budget[name] > MOST:
            yield (
                f"budget.{name}: {budget[name]} is above {MOST}, the largest step that a database stores; "
                "count in thousands"
            )


def _name_problems(name: str) -> Iterator[str]:
    if FidelityUnit(name) in UNITS:
        yield f"budget.unit: {name} has a key of its own; write {name} = 100 in place of unit and amount"
    elif not _NAME.fullmatch(name):
        yield f'budget.unit: {name!r} is not a word of lower-case letters, digits and "_", such as "trees"'
