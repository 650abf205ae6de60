"""The port between the tuner and what is measured.

A generator function is the simple form of an objective. A class that inherits `Objective` can also train several
trials together, name its metrics in advance and be tested on data the search never saw.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from tuner.domain.config import Config
from tuner.domain.data_summary import DataRecord
from tuner.domain.final_model import FinalModel
from tuner.domain.model import Model, SavedModel
from tuner.domain.search_space import SearchSpace
from tuner.domain.size_probe import SizeProbe
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, Metrics, Trial

Function = TypeVar("Function", bound=Callable[..., Any])

SHARES_PROCESS = "__tuner_shares_process__"


def share_process(function: Function) -> Function:
    """Let the trials of an objective that is a function take turns in one process, as `resources.share_process` does.

    That saves the start of a process for each trial, and gives up what a process of its own gives: globals, working
    directory, torch's defaults, signal handlers and the main thread are shared, and a trial that kills its process
    kills the others too.
    """
    setattr(function, SHARES_PROCESS, True)
    return function


class Cohort(ABC):
    """Trials in training together, each an epoch further at every `advance`."""

    @abstractmethod
    def advance(self) -> Mapping[int, Metrics | Failure | None]:
        """Train every member for one epoch and return what each measured, by trial number.

        A `Failure` or None (it ended by itself) takes that member out; the others continue.
        """

    @abstractmethod
    def drop(self, numbers: Collection[int]) -> None:
        """Take these members out, now, and give back what they held."""

    def ended(self) -> Collection[int]:
        """Return the members that ended with what the last `advance` returned; none where that cannot be known.

        They are complete, wherever a scheduler would have stopped them, and the others continue.
        """
        return ()

    def together(self) -> tuple[int, str]:
        """Return how many members the last `advance` trained as one, 1 for each on its own, and then why.

        0 for an objective that never trains several as one.
        """
        return 0, ""

    def notes(self) -> Mapping[int, str]:
        """Return what works in how members train, but not as one would hope, by trial number.

        Asked after each `advance`; a person is shown each text once.
        """
        return {}

    def save(self, numbers: Collection[int]) -> None:  # noqa: B027 - nothing to do is an answer
        """Keep the states of these members as they are after their last epoch, each through its `Trial.save`.

        Asked only for the members whose state is needed. An objective that saves while it advances leaves this out.
        """

    def add(self, trials: Sequence[Trial]) -> None:
        """Take further trials of the same `cohort_key` in; asked for only where `Objective.grows`."""
        raise NotImplementedError

    def exploit(self, trial: Trial, source: int) -> None:
        """Let member `trial.number` continue from the state of member `source`, with `trial.config` from now on.

        Both have the same `cohort_key`. Asked for only where `Objective.exploits`; elsewhere states go through
        checkpoints.
        """
        raise NotImplementedError


class Objective(ABC):
    """What is measured. Built once per worker, from the study's settings and seed: `Objective(settings, seed)`."""

    grows: ClassVar[bool] = False
    """Whether its cohorts take further trials once they train: `Cohort.add`."""

    exploits: ClassVar[bool] = False
    """Whether a member of a cohort can continue from another's state: `Cohort.exploit`."""

    ranked: ClassVar[bool] = False
    """Whether it trains a trial in several processes where `trial.ranks` says so: then each of them has one."""

    isolated: ClassVar[bool] = True
    """Whether it trains in a process that knows nothing of Ray, one for all trials of a worker; else in the worker."""

    @abstractmethod
    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        """Take the study's settings and seed; raise `ConfigurationError` with every mistake in the settings.

        Cheap: the driver builds one to ask it questions, and never trains with it.
        """

    @abstractmethod
    def start(self, trials: Sequence[Trial]) -> Cohort:
        """Begin training these trials, which all have the same `cohort_key`.

        Here, as in a cohort's methods, `MemoryError` says that they do not fit on the device together.
        """

    @abstractmethod
    def cohort_key(self, config: Config) -> Hashable | None:
        """Return what configurations that can be trained together have in common; None trains each alone."""

    def metrics(self) -> Mapping[str, Direction] | None:
        """Return the metrics it yields and which way each is better; None when that is known only after running it."""
        return None

    def want(self, metrics: Collection[str]) -> None:  # noqa: B027 - most yield all they have
        """Set the metrics that the study looks at, before anything is started.

        An objective that measures a costly metric only where it is asked for remembers that here.
        """

    def problems(self, space: SearchSpace) -> Sequence[str]:
        """Return what in `space` this objective cannot use, one line each."""
        return ()

    def notes(self, space: SearchSpace) -> Sequence[str]:
        """Return what in `space` works, but not as one would hope, one line each."""
        return ()

    def data(self) -> DataRecord | None:
        """Return what is known of the data, to be shown and kept with the study; None where there is nothing to say."""
        return None

    def proposal(self) -> Mapping[str, Any]:
        """Return what of a study file suits the settings: what to search, by which metric, and how long to train."""
        return {}

    @classmethod
    def located(cls, settings: Mapping[str, Any], folders: Sequence[Path]) -> Mapping[str, Any]:
        """Return the settings with absolute paths; what is relative is looked for in the folders, the first one first.

        Asked once, where the study is read: workers run elsewhere.
        """
        return settings

    @classmethod
    def fingerprint(cls, settings: Mapping[str, Any]) -> str | None:
        """Return a fingerprint of the data that the settings name; None where they name none.

        A study is resumed only with the data it began with, wherever `settings.dataset` says that it lies by then.
        """
        return None

    def probe(self, trial: Trial, steps: int) -> SizeProbe | None:
        """Return what so many steps of this trial show of its model, so that sizes can be compared before a search.

        With 0 steps nothing is trained, and a large model takes no memory: only its weights are counted. None where
        the objective does not say.
        """
        return None

    def test(self, trial: Trial) -> Metrics | None:
        """Return the metrics of a trained trial on data the search never saw; None when there is no such data.

        `trial.load()` gives the state of its best epoch.
        """
        return None

    def model(self, trial: Trial) -> Model | None:
        """Return a trained trial as a model that answers; None where only the objective's own code knows what it is.

        `trial.load()` gives the state of its best epoch.
        """
        return None

    def ensemble(self, trials: Sequence[Trial], *, lead: int) -> tuple[int, ...]:
        """Return how often each of these trained trials is in the average that answers the validation split best.

        The first `lead` are in it once at least. An objective whose models cannot be averaged leaves this out.
        """
        raise NotImplementedError

    def train_on_all(self, trials: Sequence[Trial]) -> bool:
        """Train each of these trained trials anew, for `trial.epoch` epochs, on the validation split's examples too.

        Each saves the state it has at the end through `Trial.save`, unless it has diverged. False where that is not
        worth while: nothing was trained then.
        """
        return False

    def final_model(
        self, trials: Sequence[Trial], counts: Sequence[int], trained_on_all: Sequence[Trial] = ()
    ) -> FinalModel:
        """Return the average of these trained trials' answers, each so often, as one model, and what it measures.

        With `trained_on_all`, as `train_on_all` left the same trials, the model is made of those: it is measured on the
        test split, and what it was made from on the validation split. An objective that says nothing of `ensemble`
        leaves this out too.
        """
        raise NotImplementedError

    @classmethod
    def restore(cls, saved: SavedModel) -> Model:
        """Return the model that was saved, without the data it was trained on.

        Raises `ValueError` where what was saved does not fit together.
        """
        raise NotImplementedError
