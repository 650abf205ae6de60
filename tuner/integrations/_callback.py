"""What the callbacks have in common: which metrics they report, and the file that they continue from."""

from collections.abc import Collection, Mapping
from typing import Any

import tuner
from tuner.domain.reporting import as_number

Names = Collection[str] | None
"""The metrics to report; None for all that were measured."""


def selected(measured: Mapping[str, Any], names: Names, source: str) -> dict[str, float]:
    """Return what was measured as plain numbers, those in `names` only unless it is None.

    Raises `ConfigurationError` where one of `names` is missing; `source` says in the message where they come from.
    """
    found = {name: number for name, value in measured.items() if (number := as_number(value)) is not None}
    if names is None and found:
        return found
    missing = [repr(name) for name in names or () if name not in found]
    if missing or not found:
        raise tuner.ConfigurationError(
            f"{source} has measured {'no ' + ', '.join(missing) if missing else 'nothing that is a number'}",
            hint=f"it has measured {', '.join(sorted(found))}: name some of these in `metrics`"
            if found
            else "give it data to validate with",
        )
    return {name: found[name] for name in names or ()}


def saved(file: str) -> str | None:
    """Return the path of a file in the checkpoint that the current trial continues from.

    None where the trial starts at the beginning, and outside of a trial.
    """
    trial = tuner.current_trial(default=None)
    folder = None if trial is None else trial.load_folder()
    return None if folder is None else str(folder / file)
