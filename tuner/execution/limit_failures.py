"""What a trial fails with that is beyond a limit of its study."""

from tuner.domain.resources import Limits
from tuner.domain.trial import Failure, FailureReason

_MEBI = 2**20


def not_ready(seconds: float | None) -> Failure:
    """Return the failure of a trial whose process takes longer to get ready than limits.start."""
    message = f"its process was not ready within the {seconds:g} s that limits.start allows"
    return Failure(reason=FailureReason.TIMEOUT, message=message)


def too_late(silent: float, limits: Limits, whose: str) -> Failure | None:
    """Return the failure of a trial that has said nothing for so many seconds; None where it may.

    `whose` is what is ended because of it: "its process", "its worker".
    """
    # A trial without a report for as long as it may take is beyond that limit too.
    return late("it reported nothing", silent, limits.progress, "progress", whose) or late(
        "it was not done", silent, limits.time, "time", whose
    )


def late(what: str, seconds: float, limit: float | None, name: str, whose: str) -> Failure | None:
    """Return the failure of a trial of which `what` is true after so many seconds; None within the limit."""
    if limit is None or seconds <= limit:
        return None
    message = f"{what} within the {limit:g} s that limits.{name} allows; {whose} was ended"
    return Failure(reason=FailureReason.TIMEOUT, message=message)


def too_large(used: int, limit: int | None, whose: str) -> Failure | None:
    """Return the failure of a trial that uses so many bytes of memory; None within the limit."""
    if limit is None or used <= limit:
        return None
    message = f"{whose} used {used // _MEBI} MiB of memory, limits.memory allows {limit // _MEBI} MiB"
    return Failure(reason=FailureReason.MEMORY_LIMIT, message=message)


def too_loud(limit: int | None) -> Failure:
    """Return the failure of a trial that has printed more than the limit."""
    message = f"it printed more than the {(limit or 0) // _MEBI} MiB that limits.output allows"
    return Failure(reason=FailureReason.OUTPUT_LIMIT, message=message)
