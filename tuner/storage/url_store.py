"""Checkpoints at a URL: an object store, a shared folder, whatever `fsspec` has a file system for.

A checkpoint is a manifest, `trial-00012/epoch-000003.safetensors.manifest`, that names its files with their sizes and
SHA-256, and those files, in a folder that only this writing of it has. The manifest is written last: a checkpoint is
there whole, with the content that was checked, or not at all, whatever the store can do.
"""

import hashlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, final
from urllib.parse import urlsplit

from tuner.domain.checkpoint_store import CheckpointStore, DamagedCheckpointError
from tuner.domain.errors import ConfigurationError, StorageError
from tuner.storage.url_manifest import MANIFEST, Manifest, parsed, parts_of
from tuner.system.files import private
from tuner.system.untrusted_files import LARGEST_TEXT

_PAUSES_SECONDS = (0.5, 2.0)
"""How long is waited before something is tried again: a store that restarts, a connection that breaks."""

_BLOCK_BYTES = 2**20

Answer = TypeVar("Answer")


def url_problem(url: str) -> str | None:
    """Return what is wrong with the URL of a place for checkpoints; None where it can be used here.

    Nothing is looked at but the URL itself and what is installed.
    """
    import fsspec  # noqa: PLC0415 - most studies keep their checkpoints beside the database

    scheme = urlsplit(url).scheme
    if not scheme:
        return f"{url!r} is neither a URL, such as s3://bucket/prefix, nor an absolute path"
    if "::" in url:
        return f"{url!r} is a chain of URLs: what is kept at one place is read, and deleted, at that place alone"
    if urlsplit(url).password:
        return "a password in the URL would be stored with the study: give it to the library by its environment"
    try:
        fsspec.get_filesystem_class(scheme)
    except ValueError:
        return f"{scheme}:// is no file system that fsspec knows"
    except ImportError as error:
        extra = ": pip install 'tuner[s3]'" if scheme in {"s3", "s3a"} else ""
        return f"{scheme}:// needs a library that is not installed{extra} ({error})"
    return None


def is_of_one_process(url: str) -> bool:
    """Whether what is kept at the URL is in the memory of the process that put it there."""
    return urlsplit(url).scheme == "memory"


@final
class UrlStore(CheckpointStore):
    """Keeps checkpoints below a URL.

    The connection is made when it is first used, so that a store can be handed to, and made before, other processes.
    What fails because the store cannot be reached is tried twice more.
    """

    def __init__(self, url: str, pause: Callable[[float], None] = time.sleep) -> None:
        self.url = url
        self._pause = pause

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system, which remembers no listings, and the path in it."""
        import fsspec  # noqa: PLC0415 - as above

        if (problem := url_problem(self.url)) is not None:
            raise ConfigurationError(f"storage.checkpoints: {problem}")
        opened: tuple[Any, str] = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
        return opened

    def put(self, name: str, source: Path) -> None:
        self._tried(lambda: self._put(name, source))

    def get(self, name: str, target: Path) -> None:
        self._tried(lambda: self._get(name, target))

    def list(self, trial: str = "") -> tuple[str, ...]:
        return self._tried(lambda: self._list(trial))

    def delete(self, name: str) -> None:
        self._tried(lambda: self._delete(name))

    def check(self, probe: str) -> None:
        """Write, read and delete something, under the name `probe`; raises `StorageError` with what fails."""
        filesystem, _ = self._opened
        content = secrets.token_bytes(16)
        path = self._path(probe)
        try:
            self._make_parent(path)
            filesystem.pipe_file(path, content)
            found = filesystem.cat_file(path)
            filesystem.rm_file(path)
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise StorageError(
                f"checkpoints cannot be kept at {self.url}: {type(error).__name__}: {reason}",
                hint="does the bucket or folder exist, and may it be written? [storage] checkpoints says where it is",
            ) from error
        if found != content:
            raise StorageError(f"checkpoints cannot be kept at {self.url}: what was written is not what is read")

    def _put(self, name: str, source: Path) -> None:
        filesystem, _ = self._opened
        before = self._written(name)
        parts = parts_of(name, secrets.token_hex(4))
        files = {}
        for path, relative in _files_of(source):
            files[relative] = _measured(path)
            to = self._path(f"{parts}/{relative or 'state'}")
            self._make_parent(to)
            filesystem.put_file(str(path), to)
        manifest = Manifest(parts=parts.rpartition("/")[2], is_file=source.is_file(), files=files)
        filesystem.pipe_file(self._path(name + MANIFEST), manifest.text().encode())
        if before is not None:
            self._remove(self._path(_beside(name, before.parts)))

    def _get(self, name: str, target: Path) -> None:
        manifest = self._manifest(name)
        if manifest is None:
            raise FileNotFoundError(f"{self.url}/{name}")
        try:
            if not manifest.is_file:
                target.mkdir(mode=0o700, parents=True)
            for relative, facts in manifest.files.items():
                part = _beside(name, f"{manifest.parts}/{relative or 'state'}")
                self._fetch(name, part, facts, target / relative if relative else target)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            target.unlink(missing_ok=True)
            raise

    def _fetch(self, name: str, part: str, facts: tuple[int, str], path: Path) -> None:
        filesystem, _ = self._opened
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            size = self._size(self._path(part))
            if size == facts[0]:
                filesystem.get_file(self._path(part), str(path))
        except FileNotFoundError as error:
            raise DamagedCheckpointError(f"{self.url}/{name} has lost {part.rpartition('/')[2]}") from error
        if size == facts[0]:
            path.chmod(0o600)
        if size != facts[0] or _measured(path) != facts:
            raise DamagedCheckpointError(f"{self.url}/{name} is not what was written there")

    def _list(self, trial: str) -> tuple[str, ...]:
        filesystem, root = self._opened
        filesystem.invalidate_cache()
        within = self._path(trial) if trial else root
        start = len(root.rstrip("/")) + 1
        found = (path for path in filesystem.find(within) if path.endswith(MANIFEST))
        return tuple(sorted(path[start:].removesuffix(MANIFEST) for path in found))

    def _delete(self, name: str) -> None:
        filesystem, _ = self._opened
        if "/" not in name:  # all of a trial's, or of the study's
            self._remove(self._path(name) if name else self._opened[1])
            return
        manifest = self._written(name)
        with suppress(FileNotFoundError):
            filesystem.rm_file(self._path(name + MANIFEST))
        if manifest is not None:
            self._remove(self._path(_beside(name, manifest.parts)))

    def _manifest(self, name: str) -> Manifest | None:
        """Return what is written down about a checkpoint; None where that is not there, or was not written by us."""
        filesystem, _ = self._opened
        path = self._path(name + MANIFEST)
        try:
            if self._size(path) > LARGEST_TEXT:
                return None
            return parsed(filesystem.cat_file(path).decode(), name.rpartition("/")[2])
        except DamagedCheckpointError:
            raise
        except (FileNotFoundError, ValueError):
            return None

    def _written(self, name: str) -> Manifest | None:
        """Return the manifest whose files are replaced or deleted; what names others' is itself, and they stay."""
        with suppress(DamagedCheckpointError):
            return self._manifest(name)
        return None

    def _size(self, path: str) -> int:
        """Return how many bytes a file has; raises `FileNotFoundError` where there is none, or something else."""
        facts = self._opened[0].info(path)
        if facts["type"] != "file" or facts.get("islink"):
            raise FileNotFoundError(f"{path} is no file")
        return int(facts["size"])

    def _remove(self, path: str) -> None:
        filesystem, _ = self._opened
        filesystem.invalidate_cache()
        with suppress(FileNotFoundError):
            filesystem.rm(path, recursive=True)

    def _make_parent(self, path: str) -> None:
        """Make the folder of a file; where a store has no folders, nothing happens."""
        filesystem, _ = self._opened
        folder = path.rpartition("/")[0]
        if "file" in filesystem.protocol:
            private(Path(folder))
        elif "memory" in filesystem.protocol:
            filesystem.makedirs(folder, exist_ok=True)

    def _path(self, name: str) -> str:
        return f"{self._opened[1].rstrip('/')}/{name}"

    def _tried(self, act: Callable[[], Answer]) -> Answer:
        """Do something, again where the store could not be reached."""
        for pause in _PAUSES_SECONDS:
            try:
                return act()
            except (FileNotFoundError, PermissionError, DamagedCheckpointError, ConfigurationError):
                raise
            except Exception:  # noqa: BLE001 - each library has errors of its own for a connection that breaks
                self._pause(pause)
        try:
            return act()
        except (OSError, DamagedCheckpointError, ConfigurationError):
            raise
        except Exception as error:
            raise OSError(f"{self.url}: {type(error).__name__}: {error}") from error


def _beside(name: str, other: str) -> str:
    """Return the path of something that lies in the folder in which the checkpoint `name` is."""
    return f"{name.rpartition('/')[0]}/{other}"


def _files_of(source: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of a checkpoint, each with its place in it: "" for one that is a file itself."""
    if source.is_file():
        yield source, ""
        return
    for path in sorted(source.rglob("*")):
        if path.is_file():
            yield path, path.relative_to(source).as_posix()


def _measured(path: Path) -> tuple[int, str]:
    """Return the size of a file and the SHA-256 of its content."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()
