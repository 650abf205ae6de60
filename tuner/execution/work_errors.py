"""How a worker says that it can train an assignment no further."""

from tuner.domain.trial import Failure


class WorkLostError(Exception):
    """The process that trained the assignment has died; the reason says how."""


class WorkOverranError(Exception):
    """The process that trained the assignment was ended, or did not begin, for a reason that is the trials' failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
