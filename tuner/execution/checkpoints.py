"""Checkpoint files: one per trial and epoch, of which the newest, the best and the last recorded are kept.

Trial 12's state after epoch 3 is `trial-00012/epoch-000003.safetensors`. A file appears whole or not at all. The one of
the last epoch that was recorded is kept until a later one is: a trial never goes on from an epoch that nobody recorded,
which would leave a gap in its learning curve. What a trial takes over from another one, to go on from instead of its
own state, is `trial-00012/taken-over-000003.safetensors`: its own weights may still be the best ones it had.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, final

from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Checkpoints
from tuner.system.files import private, whole_file

CODEC = "tuner.objectives.training.checkpoints"
"""What saves and loads states; by name, since it imports torch, which only those who do need."""

_OWN, _TAKEN_OVER = "epoch", "taken-over"
_OF_TRIAL = re.compile(r"trial-(\d{5,})(?!\d)")


def trial_folder(root: Path, number: int) -> Path:
    """Return the folder of one trial's checkpoints under the study's `root`."""
    return root / f"trial-{number:05d}"


def hand_over(root: Path, source: int, number: int, epoch: int) -> bool:
    """Let trial `number` go on after `epoch` from the state that trial `source` had then; False where there is none."""
    state = _path(trial_folder(root, source), _OWN, epoch)
    if not state.is_file():
        return False
    folder = private(trial_folder(root, number))
    with whole_file(_path(folder, _TAKEN_OVER, epoch)) as beside:
        shutil.copyfile(state, beside)
    return True


def has_states(root: Path, number: int, recorded: int) -> bool:
    """Whether there is a file of a state that a trial can go on from, whose last recorded epoch was `recorded`."""
    folder = trial_folder(root, number)
    return any(epoch <= recorded for kind in (_OWN, _TAKEN_OVER) for epoch in _states(folder, kind))


def discard(root: Path, number: int) -> None:
    """Delete a trial's checkpoints; nothing happens where there are none."""
    shutil.rmtree(trial_folder(root, number), ignore_errors=True)


def discard_beyond(folders: StudyFolders, count: int) -> None:
    """Delete what belongs to trials that the study does not have, whose numbers are `count` and more.

    Its database is older than its files where a backup was restored, and the next trials get these numbers.
    """
    for folder in (folders.checkpoints, folders.logs, folders.trials):
        for path in folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ():
            if (found := _OF_TRIAL.match(path.name)) and int(found[1]) >= count:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


@final
class TrialCheckpoints(Checkpoints):
    """The checkpoints of one trial that starts, or goes on.

    `recorded` is the last epoch that was recorded; the trial goes on from the newest sound checkpoint that is not
    beyond it, whose epoch is `epoch` afterwards. What it took over at that epoch goes before its own. The newer ones
    that turned out not to be sound are `damaged`.
    """

    def __init__(self, folder: Path, recorded: int, best: int, *, takes_over: bool = True) -> None:
        self._folder = folder
        self._best = best
        self._recorded = {recorded, best}
        self._state: Mapping[str, Any] | None = None
        self._target = 0
        self.epoch = 0
        self.is_best = False
        self.damaged: list[Path] = []
        self._load_newest(recorded, (_TAKEN_OVER, _OWN) if takes_over else (_OWN,))

    def save(self, state: Mapping[str, Any]) -> None:
        private(self._folder)
        import_module(CODEC).save(state, _path(self._folder, _OWN, self._target))
        for partial in self._folder.glob("*.partial"):  # of a process that was killed while it saved
            partial.unlink(missing_ok=True)
        for epoch, path in _states(self._folder, _OWN).items():
            if epoch not in self._recorded | {self._best, self._target}:
                path.unlink(missing_ok=True)
        for epoch, path in _states(self._folder, _TAKEN_OVER).items():
            if epoch not in self._recorded:
                path.unlink(missing_ok=True)

    def load(self) -> Mapping[str, Any] | None:
        return self._state

    def begin_epoch(self) -> None:
        """Take note that an epoch more is being trained; what is saved from now on is the state after it."""
        self._target = self.epoch + 1

    def advance(self, *, is_best: bool) -> None:
        """Take note that the epoch was measured, and whether it is the best so far."""
        self.epoch = self._target
        self._state = None
        # Trained a second time because its weights were lost, the best epoch is the best one still.
        self.is_best = is_best or self.epoch == self._best
        if self.is_best:
            self._best = self.epoch

    def recorded(self) -> None:
        """Take note that everything measured so far was recorded: the trial can go on from here."""
        self._recorded = {self.epoch, self._best}

    def _load_newest(self, recorded: int, kinds: Sequence[str]) -> None:
        """Load the newest sound state; of two at the same epoch the kind that is named first."""
        there = [(epoch, path) for kind in kinds for epoch, path in _states(self._folder, kind).items()]
        for epoch, path in sorted(there, key=lambda each: -each[0]):
            if epoch <= recorded and self._try_load(path):
                self.epoch = epoch
                return

    def _try_load(self, path: Path) -> bool:
        try:
            self._state = import_module(CODEC).load(path)
        except (OSError, ValueError):  # the one before it serves, at the price of an epoch
            self.damaged.append(path)
            return False
        return True


def _states(folder: Path, name: str) -> dict[int, Path]:
    """Return the files of states of this kind, by their epochs."""
    return {int(path.stem.removeprefix(f"{name}-")): path for path in folder.glob(f"{name}-*.safetensors")}


def _path(folder: Path, name: str, epoch: int) -> Path:
    return folder / f"{name}-{epoch:06d}.safetensors"


@final
class BestCheckpoint(Checkpoints):
    """The state of a trained trial's best epoch, to be read and never written."""

    def __init__(self, folder: Path, best: int) -> None:
        self._trial = TrialCheckpoints(folder, recorded=best, best=best, takes_over=False)
        self.is_there = self._trial.epoch == best

    def save(self, state: Mapping[str, Any]) -> None:
        raise TypeError("a trial is not trained while it is tested")

    def load(self) -> Mapping[str, Any] | None:
        return self._trial.load()
