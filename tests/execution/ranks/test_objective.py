"""An objective that is a class trains in ranks as it does in one process."""

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import pytest
from commands import TEMPLATE

from tuner.domain.config import Config
from tuner.domain.objective import Cohort, Objective
from tuner.domain.reporting import Reporter
from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Failure, FailureReason, Trial
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.execution.host import Host
from tuner.execution.objectives import build_objective, find_objective
from tuner.execution.ranks.objective import RankedObjective, RankFunction
from tuner.objectives.language import Language

DOCS = Path(__file__).parents[3] / "docs"
SETTINGS: Mapping[str, Any] = {
    "dataset": str(DOCS), "context": 16, "width": 32, "depth": 1, "head_size": 8, "base_width": 8, "base_depth": 1,
    "steps": 4, "evaluation_tokens": 512,
}  # fmt: skip
CONFIG = Config({"optimizer": {"name": "adamw", "lr": 0.01, "clip": 0.5}, "batch_size": 5})
EPOCHS = 3


@final
class Reports(Reporter):
    """Keeps what is reported, as the next epochs of the trial's checkpoints."""

    should_stop = False

    def __init__(self, checkpoints: TrialCheckpoints) -> None:
        self.reported: list[Mapping[str, float]] = []
        self._checkpoints = checkpoints

    def report(self, metrics: Any, step: int | None) -> None:
        self._checkpoints.reach(step)
        self._checkpoints.advance(is_best=True)
        self._checkpoints.recorded()
        self._checkpoints.begin_epoch()
        self.reported.append(metrics)


def trial(folder: Path, recorded: int = 0, max_epochs: int = EPOCHS, config: Config = CONFIG) -> tuple[Trial, Reports]:
    checkpoints = TrialCheckpoints(folder, recorded, recorded)
    reports = Reports(checkpoints)
    checkpoints.begin_epoch()
    return Trial(
        config=config, number=0, seed=3, device="cpu", epoch=checkpoints.epoch, max_epochs=max_epochs,
        settings=Config(SETTINGS), checkpoints=checkpoints, place=folder, reporter=reports,
    ), reports  # fmt: skip


def worker_spec(folder: Path, ranks: int = 2, **settings: Any) -> WorkerSpec:
    return WorkerSpec(
        objective="language", folder=folder, settings={**SETTINGS, **settings}, seed=1, metric="loss",
        direction=Direction.MINIMIZE,
        max_epochs=EPOCHS, device="cpu", folders=StudyFolders.within(folder), ranks=ranks,
    )  # fmt: skip


def test_two_ranks_have_the_losses_of_one_process_to_six_digits_and_one_continues_from_their_state(
    tmp_path: Path,
) -> None:
    """The batch is that of all ranks together; 5 windows are shared as 3 and 2, of which 2 are computed at once."""
    objective = Language(SETTINGS, seed=1)
    alone = objective.start([trial(tmp_path / "alone")[0]])
    losses = [alone.advance()[0]["loss"] for _ in range(EPOCHS)]  # type: ignore[index]
    assert losses[-1] < losses[0]
    shared, reports = trial(tmp_path / "shared")
    in_parts = worker_spec(tmp_path, micro_batch=2, recompute_activations=True)
    RankFunction(in_parts, find_objective, start_method="spawn")(shared)
    assert [each["loss"] for each in reports.reported] == pytest.approx(losses, rel=1e-6)
    continued, _ = trial(tmp_path / "shared", recorded=2)
    assert continued.epoch == 2
    last = objective.start([continued]).advance()[0]
    assert last["loss"] == pytest.approx(losses[-1], rel=1e-6)  # type: ignore[index]


def optimized_by(optimizer: str) -> Config:
    return Config({**CONFIG, "optimizer": {"name": optimizer, "lr": 0.01, "clip": 0.5}})


def divided() -> None:
    """Train the trial in FOLDER on, by OPTIMIZER, in ranks that are forks of this process; print its losses."""
    folder, optimizer = sys.argv[1:]
    sharded = worker_spec(Path(folder), sharded=True, micro_batch=2, recompute_activations=True)
    shared, reports = trial(Path(folder), recorded=1, config=optimized_by(optimizer))
    RankFunction(sharded, find_objective, start_method="fork")(shared)
    sys.stdout.write(json.dumps([each["loss"] for each in reports.reported]))


DIVIDED = "execution.ranks.test_objective:divided"


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_weights_that_two_ranks_divide_have_the_losses_of_one_process_and_one_continues_from_them(
    optimizer: str, tmp_path: Path
) -> None:
    """FSDP2 on gloo; they continue from what one process has kept, and one from what they have."""
    config = optimized_by(optimizer)
    objective = Language(SETTINGS, seed=1)
    alone = objective.start([trial(tmp_path, config=config)[0]])
    losses = [alone.advance()[0]["loss"]]  # type: ignore[index]
    alone.save([0])
    losses += [alone.advance()[0]["loss"] for _ in range(EPOCHS - 1)]  # type: ignore[index]
    trained = TEMPLATE.run(str(tmp_path), optimizer, main=DIVIDED)
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout.splitlines()[-1]) == pytest.approx(losses[1:], rel=1e-6)
    continued, _ = trial(tmp_path, recorded=2, config=config)
    last = objective.start([continued]).advance()[0]
    assert last["loss"] == pytest.approx(losses[-1], rel=1e-6)  # type: ignore[index]


def test_a_trial_in_ranks_is_tested_in_its_own_process(tmp_path: Path) -> None:
    objective = build_objective(worker_spec(tmp_path), Host())
    assert isinstance(objective, RankedObjective)
    member, _ = trial(tmp_path / "member")
    cohort = Language(SETTINGS, seed=1).start([member])
    cohort.advance()
    cohort.save([0])
    saved, _ = trial(tmp_path / "member", recorded=1)
    tested = objective.test(saved)
    assert tested is not None
    assert tested == pytest.approx(Language(SETTINGS, seed=1).test(saved))
    assert objective.cohort_key(CONFIG) == Language(SETTINGS, seed=1).cohort_key(CONFIG)


@final
class Exhausted(Objective):
    """Its first epoch fails, as cohorts return it."""

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None: ...

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return ExhaustedCohort()

    def cohort_key(self, config: Config) -> None:
        return None


@final
class ExhaustedCohort(Cohort):
    def advance(self) -> Mapping[int, Failure]:
        return {0: Failure(reason=FailureReason.OUT_OF_MEMORY, message="no memory left", traceback="in advance")}

    def drop(self, numbers: Collection[int]) -> None:
        raise AssertionError


def test_an_epoch_that_fails_keeps_its_reason_and_its_traceback(tmp_path: Path) -> None:
    function = RankFunction(worker_spec(tmp_path), find_objective, start_method="fork", found=Exhausted)
    with pytest.raises(MemoryError, match="no memory left") as raised:
        function(trial(tmp_path / "trial")[0])
    assert "in advance" in str(raised.value.__cause__)
