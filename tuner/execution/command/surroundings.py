"""What a trial's command is given: the facts for its placeholders, and the same by environment variables."""

import json
import os
import sys
from collections.abc import Mapping

from tuner.domain.current_trial import RANK, SOCKET, VARIABLES
from tuner.domain.trial import Trial
from tuner.system.files import whole_file

_CONFIG_FILE = "tuner-config.json"


def facts_of(trial: Trial) -> dict[str, str]:
    """Return what the placeholders stand for that are not parameters; the configuration is written to its file."""
    return {
        "trial.number": str(trial.number),
        "trial.seed": str(trial.seed),
        "trial.folder": str(trial.folder),
        "trial.device": trial.device,
        "trial.epoch": str(trial.epoch),
        "trial.max_epochs": str(trial.max_epochs),
        "trial.unit": trial.unit.value,
        "trial.checkpoint": str(trial.load_folder() or ""),
        "config": _written(trial),
        "python": sys.executable,
    }


def environment_of(facts: Mapping[str, str], address: str) -> dict[str, str]:
    """Return this process's environment, and what the placeholders stand for: `trial.seed` is `TUNER_TRIAL_SEED`.

    At the `address`, a socket's, `tuner.report` finds this process. Where this process is itself a rank above 0 of a
    launcher's, its number is left out, since the reports of the program would be left out.
    """
    variables = {
        f"{VARIABLES}{name.removeprefix('trial.').upper()}": value for name, value in facts.items() if name != "python"
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLES)}
    if inherited.get(RANK) != "0":  # a program of one process may need RANK=0 beside WORLD_SIZE=1
        inherited.pop(RANK, None)
    # Python keeps what it prints to a pipe until there are 8 KiB: nothing could be stopped early.
    return {**inherited, "PYTHONUNBUFFERED": "1", **variables, SOCKET: address}


def _written(trial: Trial) -> str:
    """Write the trial's configuration as JSON, and return the file's path."""
    path = trial.folder / _CONFIG_FILE
    with whole_file(path) as beside:
        beside.write_text(json.dumps(trial.config, indent=2) + "\n", encoding="utf-8")
    return str(path)
