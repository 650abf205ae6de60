"""Folders and files that only their owner can open, and that appear whole or not at all.

What is written beside its target has a name that cannot be guessed, and so can neither wait there as a link nor stand
in the way. What others may have made is looked at without following links.
"""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def private(folder: Path) -> Path:
    """Make `folder` and those above it that are not there, each open only to their owner, and return it.

    `mkdir` gives its mode to the last one only.
    """
    if not folder.exists():
        private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def is_own_folder(folder: Path) -> bool:
    """Whether there is a folder, no link to one, that belongs to this user."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()


def is_folder(path: Path) -> bool:
    """Whether there is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def first_link(root: Path, path: Path) -> Path | None:
    """Return the first link on the way from `root`, which may be one, down to `path`; None where there is none.

    Raises `ValueError` where `path` is not written as one below `root`.
    """
    here = root
    for name in path.relative_to(root).parts:
        if name == "..":
            raise ValueError(f"{path} leads out of {root}")
        here /= name
        if here.is_symlink():
            return here
    return None


def open_to_others(folder: Path) -> str | None:
    """Return why others could replace what this user makes in `folder`; None where they cannot."""
    facts = folder.stat()
    if facts.st_uid not in (0, os.getuid(), _nobody()):
        return f"it belongs to user {facts.st_uid}, who could replace the files that are made in it"
    if facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX:
        return f"others could replace what is made in it (mode {stat.S_IMODE(facts.st_mode):o}, without the sticky bit)"
    return None


def _nobody() -> int:
    """Return the number by which a container sees users that it does not have, such as the machine's root."""
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return 65_534


@contextmanager
def whole_file(target: Path, *, replaces: bool = True) -> Iterator[Path]:
    """Give an empty file to fill, open only to its owner, which becomes `target` if nothing is raised.

    Unless it `replaces` what is there, raises `FileExistsError` where something is.
    """
    beside = _beside(target, "partial")
    os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    try:
        yield beside
        if replaces:
            beside.replace(target)
        else:
            os.link(beside, target)  # which, unlike a renaming, replaces nothing
    finally:
        beside.unlink(missing_ok=True)


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.{ending}")


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Give an empty private folder to fill, which becomes `folder`, in place of what was there, if nothing is raised.

    Only its owner can read what is in it. A process that is killed meanwhile leaves `folder` as it was, or, killed
    between two renames, what it was beside it as `.<name>.<8 letters>.before`.
    """
    with whole_and_named(folder.parent, folder.name, lambda: folder.name) as beside:
        yield beside


@contextmanager
def made_once(folder: Path) -> Iterator[Path]:
    """Give a folder as `whole` does, which becomes `folder` unless another process has made that meanwhile.

    For contents that depend on the folder alone: the first one stays, and may be read already.
    """

    def place(made: Path) -> None:
        try:
            made.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise

    with _filled(folder, place) as beside:
        yield beside


@contextmanager
def whole_and_named(parent: Path, draft: str, named: Callable[[], str]) -> Iterator[Path]:
    """Give a folder as `whole` does, in `parent`, whose name is known only at the end; `draft` is in its first one."""

    def place(made: Path) -> None:
        folder = parent / named()
        _replace(folder, made, _beside(folder, "before"))

    with _filled(parent / draft, place) as beside:
        yield beside


@contextmanager
def _filled(draft: Path, place: Callable[[Path], None]) -> Iterator[Path]:
    """Give an empty private folder beside `draft` to fill, and `place` it if nothing is raised."""
    private(draft.parent)
    beside = _beside(draft, "partial")
    beside.mkdir(mode=0o700)
    try:
        yield beside
        _close_to_others(beside)
        place(beside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _close_to_others(folder: Path) -> None:
    """Let only its owner open everything in a folder; what a link in it leads to stays as it is."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)


def _replace(folder: Path, new: Path, before: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(before)
    try:
        new.rename(folder)
    except OSError:
        before.rename(folder)
        raise
    shutil.rmtree(before)
