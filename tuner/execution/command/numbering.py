"""The numbers that a program prints with its epochs or steps, as steps of its trial, which are counted from 1."""

import sys
from reprlib import repr as short
from typing import final

from tuner.domain.fidelity import EPOCHS
from tuner.domain.trial import Trial
from tuner.system.files import whole_file

_FIRST_EPOCH = "tuner-first-epoch"
"""The file in a trial's folder that has the number of the program's first epoch, 0 or 1, for the runs that continue."""


@final
class Numbering:
    """Decides which of the lines that have metrics are reports, and of which step.

    A program counts its epochs from 0 where 0 is the first number of its trial, in whichever run that was printed. Of
    another unit 0 is always what was measured before training.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._first_epoch = _stored(trial)
        self._last: float | None = None
        self._said: set[str] = set()
        self.has_repeated = False
        """Whether there was a line of what an earlier run has reported."""
        self.fraction: float | None = None
        """The first number that was not whole."""

    def admit(self, number: float | None) -> bool:
        """Return whether a line with this number, None for one without, is a report; a note says why one is not."""
        if number is None:
            self._last = None
            return True
        if number % 1:
            self.fraction = number if self.fraction is None else self.fraction
            self._note("fraction", f"{self._at(number)} is not a whole number: lines with a fraction are not reports")
            return False
        if self._first_epoch is None and number >= 0 and not self._trial.epoch:
            self._decide(0 if number == 0 and self._trial.unit == EPOCHS else 1)
        return self._is_news(int(number))

    def step_of(self, number: float | None) -> int | None:
        """Return the step of a report that was admitted; None for the next one, where it has no number."""
        return None if number is None else int(number) + self._shift

    def note_beyond(self, number: float | None) -> None:
        """Say once that a program that counts from 0 trains longer than its trial, as one that counts from 1 does."""
        if self._shift and number is not None and number >= self._trial.max_epochs:
            self._note(
                "beyond",
                f"{self._at(number)} was printed after the last one: the first was 0, so 0 to "
                f"{self._trial.max_epochs - 1} count as the epochs 1 to {self._trial.max_epochs}; where 0 was measured "
                "before training, print the metric from epoch 1 on",
            )

    @property
    def _shift(self) -> int:
        return 1 if self._first_epoch == 0 else 0

    def _is_news(self, number: int) -> bool:
        step = number + self._shift
        if step < 1:
            self._note("before", f"{self._at(number)} is before training, and not a report: the first one has number 1")
            return False
        if step <= self._trial.epoch:
            self.has_repeated = True
            recorded = self._trial.unit.at(self._trial.epoch)
            self._note(
                "recorded",
                f"{self._at(number)} is left out: an earlier run has reported up to {recorded}, and this one continues "
                "from there",
            )
            return False
        if number == self._last:
            sys.stderr.write(f"tuner: {self._at(number)} is reported twice, and the first report counts\n")
            return False
        self._last = number
        return True

    def _decide(self, first_epoch: int) -> None:
        self._first_epoch = first_epoch
        with whole_file(self._trial.folder / _FIRST_EPOCH) as beside:
            beside.write_text(f"{first_epoch}\n", encoding="utf-8")

    def _at(self, number: float) -> str:
        """Return where a program says that it is, on one line however long its number is."""
        is_usual = not number % 1 and abs(number) < 2**63
        return self._trial.unit.at(int(number)) if is_usual else f"{self._trial.unit.heading} {short(number)}"

    def _note(self, kind: str, text: str) -> None:
        """Say something once, where the program's own output is."""
        if kind not in self._said:
            self._said.add(kind)
            sys.stderr.write(f"tuner: {text}\n")


def _stored(trial: Trial) -> int | None:
    path = trial.folder / _FIRST_EPOCH
    if not path.is_file():
        return None
    return 0 if path.read_text(encoding="utf-8").strip() == "0" else 1
