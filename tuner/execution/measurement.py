"""What an objective yielded, checked: metrics that can be compared and stored, or the reason they cannot."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.domain.errors import nearest
from tuner.domain.trial import Failure, FailureReason, Metrics


def measured(yielded: Any, wanted: Sequence[str]) -> Metrics | Failure:
    """Return what was yielded as plain finite floats, or a `Failure` that says which metric is what instead.

    The metrics in `wanted` have to be there.

    Anything that converts to a float is a number: NumPy's scalars and tensors of one element too.
    """
    if not isinstance(yielded, Mapping):
        return _failure(
            FailureReason.NO_METRICS,
            f"the objective yielded {_shown(yielded)} instead of a dict of metrics such as {{{wanted[0]!r}: 0.9}}",
        )
    missing = [name for name in wanted if name not in yielded]
    if missing:
        names = [str(name) for name in yielded]
        return _failure(
            FailureReason.MISSING_METRIC,
            f"the objective does not yield the study's metric {missing[0]!r}{nearest(missing[0], names)}"
            f" (it yields: {', '.join(names) or 'nothing'})",
        )
    numbers: dict[str, float] = {}
    for name, value in yielded.items():
        number = _number(value)
        if number is None:
            return _failure(FailureReason.NOT_A_NUMBER, f"the metric {name!r} is {_shown(value)}, which is no number")
        if not math.isfinite(number):
            return _failure(FailureReason.NOT_FINITE, f"the metric {name!r} is {number}")
        numbers[str(name)] = number
    return numbers


def _number(value: Any) -> float | None:
    if isinstance(value, str | bytes):
        return None
    try:
        # A tensor that still carries its gradient is a number too; torch warns when it is taken for one.
        return float(value.detach() if hasattr(value, "detach") else value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError, RuntimeError):
        return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - what fits on a line


def _failure(reason: FailureReason, message: str) -> Failure:
    return Failure(reason=reason, message=message)
