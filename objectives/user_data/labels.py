"""Classes: converts labels as they are in the data into class numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.objectives.datasets._dataset import Label

MOST_CLASSES = 1000

_FEWEST_EXAMPLES = 20
"""Among fewer examples many classes may be meant."""


def classes_of(answers: Sequence[Label], where: str) -> tuple[tuple[Label, ...], NDArray[np.int64]]:
    """Return the labels and the class of each answer; raises `ConfigurationError` where they are no classes.

    `where` begins the sentence that says so.
    """
    labels = sorted_labels(answers)
    check_labels(labels, len(answers), where)
    numbers = {key(label): number for number, label in enumerate(labels)}
    return labels, np.array([numbers[key(answer)] for answer in answers], dtype=np.int64)


def check_labels(labels: Sequence[Label], examples: int, where: str) -> None:
    """Raise `ConfigurationError` where there are too few different answers, or too many to be classes."""
    if len(labels) < 2:  # noqa: PLR2004
        only = f"it is {str(labels[0])[:40]!r} in every row" if labels else "it has no value in any row"
        raise ConfigurationError(f"{where}: nothing can be learnt, {only}", hint="choose another target")
    if len(labels) > MOST_CLASSES or (examples >= _FEWEST_EXAMPLES and len(labels) > examples / 2):
        raise ConfigurationError(
            f"{where}: has {len(labels)} different values in {examples} rows, which are too many for classes",
            hint='choose another target; numbers are predicted as values with task = "regression" in [settings]',
        )


def sorted_labels(labels: Sequence[Label]) -> tuple[Label, ...]:
    """Return the different ones among labels of one type, in order."""
    return tuple(sorted({key(label): label for label in labels}.values(), key=lambda label: key(label)[1:]))


def key(label: Label) -> tuple[str, Any]:
    """Return a key that is unique per label: True and 1 are equal in Python, and are different labels."""
    return type(label).__name__ if isinstance(label, bool | str) else "number", label
