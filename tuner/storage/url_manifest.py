"""What is written down about a checkpoint at a URL: which files it has, with their sizes and SHA-256.

Its author may be anyone who can write to the store. It names files of this checkpoint and nothing else: none above its
folder, none by a path from the root.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, final

from tuner.domain.checkpoint_store import DamagedCheckpointError
from tuner.system.untrusted_files import json_of

MANIFEST = ".manifest"
_PARTS = ".files-"
"""What stands between a checkpoint's name and the letters of one writing of it, in the name of its files' folder."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of a checkpoint, which lie in the folder `parts` beside it: size and SHA-256 by relative path.

    One that `is_file` has a single one, under "".
    """

    parts: str
    is_file: bool
    files: Mapping[str, tuple[int, str]]

    def text(self) -> str:
        """Return the manifest as it is written."""
        files = {name: {"size": size, "sha256": digest} for name, (size, digest) in self.files.items()}
        return json.dumps({"parts": self.parts, "is_file": self.is_file, "files": files})


def parts_of(name: str, letters: str) -> str:
    """Return what the folder is called with the files of one writing of the checkpoint `name`."""
    return f"{name}{_PARTS}{letters}"


def parsed(text: str, name: str) -> Manifest:
    """Return what a manifest of the checkpoint `name` says; raises `ValueError` for what is none.

    Raises `DamagedCheckpointError` for one that names other files than the checkpoint's.
    """
    try:
        said = json_of(text)
        files = {str(file): (int(facts["size"]), str(facts["sha256"])) for file, facts in said["files"].items()}
        manifest = Manifest(parts=said["parts"], is_file=said["is_file"] is True, files=files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"it is no manifest: {type(error).__name__}: {error}") from error
    if not isinstance(manifest.parts, str) or not re.fullmatch(
        re.escape(parts_of(name, "")) + "[0-9a-f]+", manifest.parts
    ):
        raise DamagedCheckpointError(f"the manifest of {name} names another folder: {manifest.parts!r:.200}")
    if wrong := [file for file in files if not _is_within(file, is_file=manifest.is_file)]:
        raise DamagedCheckpointError(f"the manifest of {name} names a file outside of its folder: {wrong[0]!r:.200}")
    return manifest


def _is_within(file: Any, *, is_file: bool) -> bool:
    """Whether a file's path is one within the checkpoint's folder; "" is the checkpoint that is a file."""
    if not file or is_file:
        return is_file and not file
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in file and "\\" not in file
