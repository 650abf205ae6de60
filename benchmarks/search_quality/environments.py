"""Environments of peers: what a script says it needs (PEP 723) is installed by pip, away from tuner's own packages."""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

_METADATA = re.compile(r"^# /// script\n(?P<content>(?:#(?: .*)?\n)+)# ///$", re.MULTILINE)
_MARK = "installed.txt"
_SHOWN = 1_000


class PeerUnavailableError(RuntimeError):
    """A peer's packages cannot be installed; the message has the end of what pip said."""


def dependencies(script: Path) -> tuple[str, ...]:
    """Return the packages that a script declares, each with its version."""
    match = _METADATA.search(script.read_text())
    if match is None:
        raise ValueError(f"{script} declares no dependencies: begin it with a block `# /// script`, see PEP 723")
    content = re.sub(r"^# ?", "", match["content"], flags=re.MULTILINE)
    return tuple(tomllib.loads(content)["dependencies"])


def interpreter(script: Path, cache: Path) -> Path:
    """Return the interpreter of the environment that has a script's packages; it is made where `cache` has none yet.

    Scripts that need the same share one. Raises `PeerUnavailableError`.
    """
    needed = dependencies(script)
    folder = cache.absolute() / f"peer-{hashlib.sha256(repr(needed).encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / _MARK).exists():
        print(f"installing {script.stem} in {folder}: {', '.join(needed)}", file=sys.stderr)
        _install(needed, folder, python)
        (folder / _MARK).write_text("\n".join(needed))
    return python


def _install(needed: tuple[str, ...], folder: Path, python: Path) -> None:
    if folder.exists():  # of an installation that was interrupted
        shutil.rmtree(folder)
    try:
        venv.create(folder, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", *needed]
        subprocess.run(pip, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        said = error.stderr or error.stdout or ""
        if isinstance(said, bytes):
            said = said.decode(errors="replace")
        raise PeerUnavailableError(f"pip ended with {error.returncode}: {said[-_SHOWN:].strip()}") from error
