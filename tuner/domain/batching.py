"""How many of a study's trials train as one batched model, and why the others do not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

from tuner.domain.trial import Report

NOTE = "batching"
"""The key of the study's note that has it."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """Epochs of trials, counted: those that were trained `batched`, and those trained one by one, by the reason.

    `sizes` is the sum, over the batched ones, of how many trials were trained as one. A cohort may have `most` trials,
    for the reason in `bound`.
    """

    batched: int = 0
    sizes: int = 0
    alone: Mapping[str, int] = field(default_factory=dict)
    most: int = 0
    bound: str = ""

    @property
    def epochs(self) -> int:
        """How many epochs of trials there were."""
        return self.batched + sum(self.alone.values())

    @property
    def share(self) -> float:
        """The share of epochs that were trained batched, 0 where there are none."""
        return self.batched / self.epochs if self.epochs else 0.0

    @property
    def size(self) -> float:
        """How many trials were trained as one on average, over the batched epochs."""
        return self.sizes / self.batched if self.batched else 0.0

    def counting(self, report: Report) -> "Batching":
        """Return this with one more epoch; of an objective that never batches nothing is counted."""
        if report.metrics is None or not report.together:
            return self
        if report.together > 1:
            return replace(self, batched=self.batched + 1, sizes=self.sizes + report.together)
        return replace(self, alone=Counter(self.alone) + Counter([report.apart]))

    def describe(self) -> dict[str, Any]:
        """Return the JSON form, as it is stored."""
        return {
            "batched": self.batched,
            "sizes": self.sizes,
            "alone": dict(self.alone),
            "most": self.most,
            "bound": self.bound,
        }

    @staticmethod
    def of(notes: Mapping[str, Any]) -> "Batching":
        """Return what a study's notes say; empty where they say nothing."""
        return Batching(**notes.get(NOTE, {}))

    def __str__(self) -> str:
        reasons = sorted(self.alone, key=lambda reason: -self.alone[reason])
        why = f"one by one: {reasons[0]}" if reasons else ""
        if not self.batched:
            return why if self.most != 1 else f"one by one: {self.bound}"
        counted = f"{self.share:.0%} of {self.epochs:,} epochs in batches of {self.size:.0f} trials on average"
        limit = f"at most {self.most} together: {self.bound}" if self.most else ""
        return "; ".join(filter(None, (counted, limit, why and f"the rest {why}")))
