"""Lightning: the guide's program as it stands, stopped and killed."""

from pathlib import Path
from typing import ClassVar, final

from integrations.callbacks import CallbackOfAGuide
from integrations.guides import Guide

from tuner import TrialState


@final
class TestLightning(CallbackOfAGuide):
    guide: ClassVar[Guide] = Guide("lightning", "lightning.pytorch", "tuner.integrations.lightning")

    def test_a_stopped_trainer_neither_trains_its_min_epochs_nor_leaves_its_teardown_out(self, tmp_path: Path) -> None:
        guide = self.guide.edited(
            {
                "max_epochs=epochs,": "max_epochs=epochs, min_epochs=epochs,",
                "    def configure_optimizers": "    def teardown(self, stage):\n"
                "        open('torn-down.txt', 'a').write('x')\n\n    def configure_optimizers",
            }
        )
        trials = guide.stopped(tmp_path)
        assert any(trial.state is TrialState.PRUNED for trial, _, _ in trials)
        assert all(reports == len(trial.curve) for trial, reports, _ in trials)
        assert len((tmp_path / "torn-down.txt").read_text()) == len(trials)
