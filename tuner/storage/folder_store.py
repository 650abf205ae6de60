"""Checkpoints in a folder of this machine, which is where they are kept unless a study says otherwise."""

import shutil
from pathlib import Path
from typing import final

from tuner.domain.checkpoint_store import CheckpointStore
from tuner.system.files import private, whole, whole_file


@final
class FolderStore(CheckpointStore):
    """Keeps the checkpoints in the folder that trials write them into: nothing has to be put there again."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, source: Path) -> None:
        target = self._root / name
        if source.is_dir():
            with whole(target) as beside:
                shutil.copytree(source, beside, symlinks=True, dirs_exist_ok=True)
            return
        private(target.parent)
        with whole_file(target) as beside:
            shutil.copyfile(source, beside)

    def get(self, name: str, target: Path) -> None:
        source = self._root / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copyfile(source, target)

    def list(self, trial: str = "") -> tuple[str, ...]:
        folders = [self._root / trial] if trial else [*self._root.glob("trial-*")]
        there = (path for folder in folders for path in folder.glob("[!.]*") if folder.is_dir())
        return tuple(sorted(f"{path.parent.name}/{path.name}" for path in there if path.suffix != ".partial"))

    def delete(self, name: str) -> None:
        path = self._root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def copy(self, name: str, target: str) -> None:
        if not (self._root / name).exists():
            raise FileNotFoundError(name)
        self.put(target, self._root / name)
