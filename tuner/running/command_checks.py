"""Checks of a command before anything runs: its placeholders, its program, and the folder it runs in."""

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from tuner.domain.command import Command
from tuner.domain.config_path import config_paths, paths_of
from tuner.domain.search_space import SearchSpace


def command_problems(
    command: Command, space: SearchSpace | None, wanted: Collection[str], folder: Path
) -> Iterator[str]:
    """Yield what is wrong with a command that is to run in `folder`; without a `space`, not with its placeholders."""
    if space is not None:
        yield from command.problems(config_paths(space), wanted)
    if not folder.is_dir():
        yield f"command: the folder that it runs in, {folder}, does not exist"
        return
    program = command.words[0]
    if "{" in program:
        return
    if "/" not in program:
        if shutil.which(program) is None:
            yield f"command: there is no program {program!r} on PATH; {{python}} stands for the Python that runs tuner"
    elif not (folder / program).is_file():
        yield f"command: there is no program {program} in {folder}"
    elif not os.access(folder / program, os.X_OK):
        yield f"command: {program} cannot be executed; do chmod +x {program}, or name its interpreter first"


def command_notes(objective: object, space: SearchSpace) -> Iterator[str]:
    """Yield which parameters a command is not given, where it is given others."""
    if not isinstance(objective, Command):
        return
    paths = config_paths(space)
    given = {path for name in objective.placeholders for path in paths_of(name, paths)}
    # The parameters of a branch say which branch was chosen, too.
    missing = [path for path in paths if path not in given and not path.endswith(".name")]
    missing = [path for path in missing if f"{path}.name" not in given]
    if given and missing and "config" not in objective.placeholders:
        yield (
            f"the command has no placeholder for {', '.join(missing)}: the program finds all parameters in the file "
            "{config}, which $TUNER_TRIAL_CONFIG names too"
        )
