"""Where trials of one study are trained: the data in memory, and learners built from configurations."""

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, final

from objectives._parts import DEFAULT_BATCH_SIZE, PARTS, part
from objectives.datasets._dataset import Array, Dataset
from objectives.datasets._splitting import Split, split
from objectives.training.cohort import SupervisedCohort
from objectives.training.data import Data
from objectives.training.loop import Learner, evaluate
from objectives.training.seeding import seed_weights
from tuner.domain.objective import Cohort
from tuner.domain.trial import Metrics, Trial


@final
class Workshop:
    """A worker's data and tools. The dataset is loaded once, and preprocessed once in each way that is asked for."""

    def __init__(self, dataset: Dataset, *, validation: float, test: float, seed: int) -> None:
        self._dataset = dataset
        self._validation = validation
        self._test = test
        self._seed = seed
        self._prepared: dict[Hashable, Data] = {}

    @cached_property
    def _arrays(self) -> tuple[Array, Array]:
        return self._dataset.load()

    @cached_property
    def _split(self) -> Split:
        _, targets = self._arrays
        return split(targets, task=self._dataset.task, validation=self._validation, test=self._test, seed=self._seed)

    def data(self, trial: Trial) -> Data:
        """Return the data as the trial's configuration wants it."""
        kinds = ("cleaning", "transformation", "scaling")
        steps = tuple(part(trial.config, kind, self._dataset.task) for kind in kinds)
        key = (steps, trial.device)
        if key not in self._prepared:
            features, targets = self._arrays
            self._prepared[key] = Data(
                features,
                targets,
                task=self._dataset.task,
                split=self._split,
                steps=[step.build() for step in steps],
                device=trial.device,
            )
        return self._prepared[key]

    def learner(self, trial: Trial, data: Data, state: Mapping[str, Any] | None) -> Learner:
        """Return a learner as it is before the trial's first epoch, or as `state` left it."""
        kinds = PARTS.keys() - {"cleaning", "transformation", "scaling"}
        chosen = {kind: part(trial.config, kind, data.task).build() for kind in kinds}
        seed_weights(trial.seed, trial.device)
        model = chosen["architecture"].build(data.shape, data.outputs).to(trial.device)
        learner = Learner(
            model=model,
            loss=chosen["loss"],
            optimizer=chosen["optimizer"].build(model.parameters()),
            lr_schedule=chosen["lr_schedule"],
            rule=chosen["optimizer"],
            batch_size=min(trial.config.get("batch_size", DEFAULT_BATCH_SIZE), len(data.train.targets)),
        )
        if state is not None:
            learner.resume(state)
        return learner

    def start(self, trials: Sequence[Trial]) -> Cohort:
        """Return a cohort, ready for its next epoch."""
        return SupervisedCohort(self, trials)

    def test(self, trial: Trial) -> Metrics:
        """Return the metrics of the trial's saved state on the test split."""
        if (state := trial.load()) is None:
            raise ValueError(f"trial {trial.number} has no saved state to test")
        data = self.data(trial)
        return evaluate(self.learner(trial, data, state), data, data.test)
