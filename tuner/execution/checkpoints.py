"""Checkpoints: one per trial and epoch, of which the newest, the best and the last recorded are kept.

Trial 12's state after epoch 3 is the file `trial-00012/epoch-000003.safetensors`, where the trial hands us tensors, or
the folder `trial-00012/epoch-000003`, where a framework has written what it likes, or both. Each appears whole or not
at all. The newest of an epoch that was recorded is kept until a later one is: a trial never continues from an epoch
that was not recorded, which would leave a gap in its learning curve. What a trial takes over from another one, to
continue from instead of its own state, is `taken-over-000003`: its own weights may still be the best ones it had.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from reprlib import repr as short
from tempfile import TemporaryDirectory
from typing import Any, final

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.errors import ConfigurationError
from tuner.domain.fidelity import MOST
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import RNG
from tuner.system import random_generators
from tuner.system.files import private, whole_and_named

CODEC = "tuner.objectives.training.checkpoints"
"""The module that saves and loads states; by name, since it imports torch, which only saving and loading needs."""

OWN, TAKEN_OVER = "epoch", "taken-over"
_FILE = ".safetensors"
_RNG = ".tuner-rng.safetensors"
"""The file in a checkpoint's folder that has the states of the random generators."""

_OF_EPOCH = re.compile(r"(?:epoch|taken-over)-(\d{6,})(?:\.safetensors)?")
_OF_TRIAL = re.compile(r"trial-(\d{5,})(?!\d)")


def trial_name(number: int) -> str:
    """Return what the folder of one trial's checkpoints is called."""
    return f"trial-{number:05d}"


def trial_folder(root: Path, number: int) -> Path:
    """Return the folder of one trial's checkpoints under the study's `root`."""
    return root / trial_name(number)


def state_names(kind: str, epoch: int) -> tuple[str, str]:
    """Return what the folder and the file of a state are called; a state is either of them, or both."""
    return f"{kind}-{epoch:06d}", f"{kind}-{epoch:06d}{_FILE}"


def epoch_of(name: str) -> int | None:
    """Return the epoch of the state that a file or folder of this name is; None where it is none."""
    found = _OF_EPOCH.fullmatch(name)
    return None if found is None else int(found[1])


def tidy(folder: Path, recorded: int) -> None:
    """Put the folder of a trial that begins in order, whose process may have been killed while it saved.

    What is beyond the last `recorded` epoch goes: that epoch is trained again, and may end without being saved.
    """
    for draft in folder.glob("*.partial"):
        _delete(draft)
    for before in folder.glob(".*.before"):  # it was about to be replaced
        _move(before, before.with_name(before.name.split(".")[1]))
    for epoch, path in [*_states(folder, OWN)]:
        if epoch > recorded:
            _delete(path)


def trial_number_of(name: str) -> int | None:
    """Return the number of the trial that a file or folder of this name belongs to; None where it is of none."""
    found = _OF_TRIAL.match(name)
    return None if found is None else int(found[1])


def discard_beyond(folders: StudyFolders, count: int) -> None:
    """Delete what belongs to trials that the study does not have, whose numbers are `count` and more.

    Its database is older than its files where a backup was restored, and the next trials get these numbers.
    """
    for folder in (folders.checkpoints, folders.logs, folders.trials):
        for path in folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ():
            number = trial_number_of(path.name)
            if number is not None and number >= count:
                _delete(path)


def save_generators(file: Path) -> None:
    """Keep the states of this process's random generators in a file of a checkpoint."""
    import_module(CODEC).save(random_generators.states(), file)


def restore_generators(file: Path) -> None:
    """Let this process's random generators continue from the states in a file; nothing happens where there is none."""
    if file.is_file():
        random_generators.restore(import_module(CODEC).load(file))


@final
class TrialCheckpoints(Checkpoints):
    """The checkpoints of one trial that starts, or continues.

    `recorded` is the last epoch that was recorded; the trial continues from the newest sound checkpoint that is not
    beyond it, whose epoch is `epoch` afterwards. What it took over at that epoch goes before its own. The newer ones
    that turned out not to be sound are `damaged`. What is saved once the trial `is_over` is not kept. `changed` is
    called when states have come and gone.
    """

    def __init__(
        self,
        folder: Path,
        recorded: int,
        best: int,
        *,
        takes_over: bool = True,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._changed = changed
        self._best = best
        self._recorded, self._recorded_best = recorded, best
        self._state: Mapping[str, Any] | None = None
        self.files: Path | None = None
        """The folder that it continues from, if it was one."""
        self._file: Path | None = None
        self._reached: list[int] = []
        self.epoch = self.target = 0
        """The last epoch that was measured, and the one that is being trained; equal while none is."""
        self.is_best = self.is_over = False
        self.damaged: list[str] = []
        self._load_newest(recorded, (TAKEN_OVER, OWN) if takes_over else (OWN,))

    def save(self, state: Mapping[str, Any]) -> None:
        self.save_by(lambda path: import_module(CODEC).save(state, path))

    def save_by(self, write: Callable[[Path], None]) -> None:
        if self.is_over:
            return
        private(self._folder)
        write(_path(self._folder, OWN, self.target))
        self._discard_all_but(self.target)

    @contextmanager
    def folder(self, step: int | None, *, rng: bool) -> Iterator[Path]:
        if self.is_over:
            kept = self._folder if self._folder.is_dir() else None
            with TemporaryDirectory(dir=kept, prefix=".", suffix=".partial") as unwanted:
                yield Path(unwanted)
            return
        begun, saved = len(self._reached), 0

        def named() -> str:
            nonlocal saved
            saved = step or self._end_of(begun)
            return _folder(self._folder, OWN, saved).name

        with whole_and_named(self._folder, OWN, named) as folder:
            yield folder
            if not any(folder.iterdir()):
                raise ValueError("nothing was written into the folder of this checkpoint")
            if rng:
                save_generators(folder / _RNG)
        self._discard_all_but(saved)

    def load(self) -> Mapping[str, Any] | None:
        return self._state

    def load_file(self) -> Path | None:
        return self._file

    def load_folder(self) -> Path | None:
        if self.files is not None:
            restore_generators(self.files / _RNG)
        return self.files

    def begin_epoch(self) -> None:
        """Begin the next epoch; what is saved from now on is the state after it."""
        self.target = self.epoch + 1

    def reach(self, step: int | None) -> None:
        target = self.epoch + 1 if step is None else step
        if target <= self.epoch:
            raise ConfigurationError(
                f"step {short(target)} was reported, and the last one before it is {self.epoch}: steps only increase",
                hint=f"a trial that continues begins after trial.epoch, which was {self.epoch}, with what trial.load() "
                "or trial.load_folder() gives; without step=..., the next one is reported",
            )
        if target > MOST:
            raise ConfigurationError(
                f"step {short(target)} was reported, and the largest one that a database stores is {MOST}",
                hint="count in thousands",
            )
        if target != self.target:
            moved = [
                _move(name(self._folder, OWN, self.target), name(self._folder, OWN, target))
                for name in (_path, _folder)
            ]
            if any(moved):
                self._changed()
        self.target = target
        self._reached.append(target)

    def advance(self, *, is_best: bool) -> None:
        """End the epoch, which was measured and may be the best so far."""
        self.epoch = self.target
        self._state = self._file = self.files = None
        # Trained a second time because its weights were lost, the best epoch is the best one still.
        self.is_best = is_best or self.epoch == self._best
        if self.is_best:
            self._best = self.epoch

    def recorded(self) -> None:
        """Mark everything measured so far as recorded: the trial can continue from here."""
        self._recorded, self._recorded_best = self.epoch, self._best

    def _end_of(self, begun: int) -> int:
        """Return the step that ended what was being trained after so many reports: the next one, where none has yet.

        A write in the background may be done when the step has been reported, and others after it.
        """
        return self._reached[begun] if begun < len(self._reached) else self.target

    def _discard_all_but(self, saved: int) -> None:
        """Delete states that nothing needs: those of the best epoch and the newest recorded one stay."""
        there = [(epoch, path) for kind in (OWN, TAKEN_OVER) for epoch, path in _states(self._folder, kind)]
        newest = max((epoch for epoch, _ in there if epoch <= self._recorded), default=0)
        for epoch, path in there:
            is_own = path.name.startswith(OWN)
            if epoch != newest and not (is_own and epoch in (saved, self._best, self._recorded_best)):
                _delete(path)
        self._changed()

    def _load_newest(self, recorded: int, kinds: Sequence[str]) -> None:
        """Load the newest sound state; of two at the same epoch the kind that is named first."""
        there = {(epoch, -rank) for rank, kind in enumerate(kinds) for epoch, _ in _states(self._folder, kind)}
        for epoch, rank in sorted(there, reverse=True):
            if epoch <= recorded and self._try_load(kinds[-rank], epoch):
                self.epoch = self.target = epoch
                return

    def _try_load(self, kind: str, epoch: int) -> bool:
        """Load what was saved of an epoch, and return whether any of it is sound."""
        files, state = _folder(self._folder, kind, epoch), _path(self._folder, kind, epoch)
        self.files = files if files.is_dir() else None
        if state.is_file():
            try:
                self._state, self._file = import_module(CODEC).load(state), state
            except (OSError, ValueError):  # the one before it serves, at the price of an epoch
                self.damaged.append(str(state))
        return self.files is not None or self._state is not None


def _states(folder: Path, kind: str) -> Iterator[tuple[int, Path]]:
    """Yield the files and folders of states of this kind, each with its epoch."""
    for path in folder.glob(f"{kind}-*"):
        if found := _OF_EPOCH.fullmatch(path.name):
            yield int(found[1]), path


def _path(folder: Path, kind: str, epoch: int) -> Path:
    return folder / f"{kind}-{epoch:06d}{_FILE}"


def _folder(folder: Path, kind: str, epoch: int) -> Path:
    return folder / f"{kind}-{epoch:06d}"


def _move(path: Path, target: Path) -> bool:
    """Rename what is there to `target`, unless that is there too: it is the newer one. Return whether one was there."""
    was_there = path.exists()
    if target.exists():
        _delete(path)
    elif was_there:
        path.rename(target)
    return was_there


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@final
class BestCheckpoint(Checkpoints):
    """The state of a trained trial's best epoch, to be read and never written."""

    def __init__(self, folder: Path, best: int) -> None:
        self._trial = TrialCheckpoints(folder, recorded=best, best=best, takes_over=False)
        self.is_there = self._trial.epoch == best

    def save(self, state: Mapping[str, Any]) -> None:
        raise TypeError("a trial is not trained while it is tested")

    def load(self) -> Mapping[str, Any] | None:
        # The random generators are those of a trial that continues; to look at its best state draws nothing.
        state = self._trial.load()
        return None if state is None else {key: value for key, value in state.items() if key != RNG}

    def folder(self, step: int | None, *, rng: bool) -> AbstractContextManager[Path]:
        raise TypeError("a trial is not trained while it is tested")

    def load_folder(self) -> Path | None:
        return self._trial.files
