"""What was reported, checked: metrics that can be compared and stored, or the reason they cannot; steps in order."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.domain.errors import nearest
from tuner.domain.reporting import as_number
from tuner.domain.trial import Failure, FailureReason, Metrics
from tuner.execution.user_failures import refused
from tuner.formatting.redaction import redacted


def measured(yielded: Any, wanted: Sequence[str], *, by: str = "the objective") -> Metrics | Failure:
    """Return what was yielded as plain finite floats, or a `Failure` that says which wanted metric is what instead.

    The metrics in `wanted` have to be there, and to be finite numbers. What else is none is left out: `left_out` says
    what that is.

    Anything that converts to a float is a number: NumPy's scalars, arrays and tensors of one element too. Where one
    metric is wanted, a number that is yielded or returned by itself is that metric. `by` says in messages what yields.
    """
    if not isinstance(yielded, Mapping):
        if len(wanted) > 1 or as_number(yielded) is None:
            return refused(
                FailureReason.NO_METRICS,
                f"{by} yielded {_shown(yielded)} instead of a dict of metrics such as {{{wanted[0]!r}: 0.9}}",
            )
        yielded = {wanted[0]: yielded}
    missing = [name for name in wanted if name not in yielded]
    if missing:
        names = [str(name) for name in yielded]
        return refused(
            FailureReason.MISSING_METRIC,
            f"{by} does not yield the study's metric {missing[0]!r}{nearest(missing[0], names)}"
            f" (it yields: {', '.join(names) or 'nothing'})",
        )
    numbers = {str(name): as_number(value) for name, value in yielded.items()}
    for name in wanted:
        number = numbers[name]
        if number is None:
            return refused(
                FailureReason.NOT_A_NUMBER, f"the metric {name!r} is {_shown(yielded[name])}, which is not a number"
            )
        if not math.isfinite(number):
            return refused(FailureReason.NOT_FINITE, f"the metric {name!r} is {number}")
    return {name: number for name, number in numbers.items() if number is not None and math.isfinite(number)}


def left_out(yielded: Any, metrics: Metrics) -> Mapping[str, str]:
    """Return what `measured` has left out of what was yielded, as a person reads it, by name."""
    if not isinstance(yielded, Mapping):
        return {}
    return {str(name): _shown(value) for name, value in yielded.items() if str(name) not in metrics}


def _shown(value: Any) -> str:
    try:
        text = redacted(repr(value))  # before it is cut, by which a secret would look like none
    except Exception:  # noqa: BLE001 - to show an object runs its own code, which may raise anything
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - what fits on a line


def left_out_note(found: Mapping[str, str]) -> str:
    """Return the sentence about metrics that `left_out` has found."""
    what = ", ".join(f"{name!r} is {text}" for name, text in found.items())
    return f"{what}: a metric is kept only where it is a finite number"
