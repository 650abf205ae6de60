"""What a scheduler answers to a report."""

from enum import Enum


class Decision(Enum):
    """Whether a trial continues."""

    CONTINUE = "continue"
    STOP = "stop"
    """Others are better: the trial is PRUNED."""
    FINISH = "finish"
    """More training would not help it: the trial is COMPLETE."""
