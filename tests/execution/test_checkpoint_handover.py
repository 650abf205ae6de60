"""How a trial gets the state that another one has learned, and what is said where there is none."""

from pathlib import Path

import pytest

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.event import Event, EventKind
from tuner.domain.fidelity import EPOCHS, STEPS, TOKENS, FidelityUnit
from tuner.domain.trial import Stage, TrialRecord, TrialState
from tuner.execution.checkpoint_handover import Inheritance
from tuner.execution.study_checkpoints import StudyCheckpoints
from tuner.storage.folder_store import FolderStore


@pytest.mark.parametrize(
    ("unit", "source_epoch", "where"),
    [
        (EPOCHS, None, "at epoch 2000"),
        (STEPS, 2_250, "at step 2,250"),
        (TOKENS, None, "at 2,000 tokens"),
    ],
)
def test_a_state_that_is_missing_is_named_by_its_trial_and_by_where_that_was(
    unit: FidelityUnit, source_epoch: int | None, where: str, tmp_path: Path
) -> None:
    config = Config({"lr": 0.5})
    stage = Stage(epoch=2_000, config=config, source=3, source_epoch=source_epoch)
    trial = TrialRecord(
        number=1, state=TrialState.RUNNING, config=config, curve={1_000: 0.5, 2_000: 0.25}, schedule=(stage,)
    )
    inheritance = Inheritance(StudyCheckpoints(FolderStore(tmp_path)), [], unit)
    with pytest.raises(ConfigurationError, match=f"trial 3 saved no state {where}$"):
        inheritance.notify(Event(kind=EventKind.EXPLOITED, trial=trial))
