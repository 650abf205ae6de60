"""What is asked of a stored study where it is run again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

from tuner.domain.errors import Mistakes
from tuner.domain.study import StudySpec


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """What a study is to do from now on, and how far what it names is trusted."""

    overrides: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Values by key path, such as `budget.trials`."""
    spec: StudySpec | None = None
    """What stands in for the stored spec of a study that was made in Python."""
    trust: bool = False
    """Whether code may be run that is neither installed nor in the working directory."""
    mistakes: Mistakes = field(default_factory=Mistakes)
    """What was found wrong before, to which what is found later is added: a person sees all of it at once."""
