"""What people ask of a run from elsewhere: to pause, to stop, to try more trials, to train fewer at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LiveControl:
    """What is asked of one run. None: nothing.

    While it `is_paused` nothing is handed out, and trials leave at their next report. `trials` are to be tried in all,
    and `parallel` cohorts train at a time, at most as many as the run began with.
    """

    is_paused: bool = False
    stops: bool = False
    trials: int | None = None
    parallel: int | None = None

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"paused": self.is_paused, "stops": self.stops, "trials": self.trials, "parallel": self.parallel}

    @staticmethod
    def parsed(stored: Mapping[str, Any]) -> "LiveControl":
        """Return what `describe` described; raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        trials, parallel = (None if stored[key] is None else int(stored[key]) for key in ("trials", "parallel"))
        return LiveControl(
            is_paused=stored["paused"] is True, stops=stored["stops"] is True, trials=trials, parallel=parallel
        )

    def changes(self, before: "LiveControl") -> tuple[str, ...]:
        """Return in words what is asked that was not asked `before`."""
        said = []
        if self.is_paused != before.is_paused:
            said.append(
                "paused: trials are put back at their next report, and continue after `tuner pause --off`"
                if self.is_paused
                else "no longer paused"
            )
        if self.trials not in (None, before.trials):
            said.append(f"extended to {self.trials} trials in all")
        if self.parallel not in (None, before.parallel):
            said.append(f"limited to {self.parallel} at a time; what trains beyond that is trained to its end")
        return tuple(said)


NOTHING_ASKED = LiveControl()
