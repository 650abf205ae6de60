"""Where compiled code is kept."""

import os
import tempfile
from pathlib import Path

from tuner.objectives.text.token_cache import cache_folder
from tuner.system.files import private

_FOLDER = "TORCHINDUCTOR_CACHE_DIR"
_THREADS = "TORCHINDUCTOR_COMPILE_THREADS"


def keep_compiled_code_private() -> None:
    """Keep what torch compiles in this process beside the tokens, unless a person's environment says where.

    Torch's own place is a folder of the temporary one whose name is known: another user who makes it first has their
    code run. The code is compiled in this process, so that no other one outlives the trial.
    """
    given = os.environ.get(_FOLDER)
    if given is None or _is_of_torch(Path(given)):
        os.environ[_FOLDER] = str(private(cache_folder("compiled")))
    os.environ.setdefault(_THREADS, "1")


def _is_of_torch(folder: Path) -> bool:
    """Whether torch has named the folder, which it writes into the environment as a person would."""
    return folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith("torchinductor_")
