"""Cohorts in Ray's workers: who trains where, what becomes of a worker that dies, and how a run ends."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import ray
from fakes import MAXIMIZED, FakeListener, FakeSampler, FakeScheduler, FakeWriter, folders, ticking_clock

from tuner import Float, SearchSpace, Trial
from tuner.domain.errors import ConfigurationError, StorageError
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.resources import Resources
from tuner.domain.run_controller import StopCause
from tuner.domain.study import Direction
from tuner.domain.trial import TrialState
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.ray import loop
from tuner.execution.ray.executor import RayTuneExecutor
from tuner.search.cohort_policy import CohortPolicy, CohortSettings
from tuner.search.controller import SearchController
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies

pytestmark = pytest.mark.usefixtures("ray_session")

SPACE = SearchSpace(x=Float(0, 1))
EPOCHS = 3


class Bench:
    """A study that runs under Ray, kept in memory."""

    def __init__(
        self,
        objective: Callable[[Trial], Any],
        folder: Path,
        *,
        trials: int = 2,
        cohort: int = 1,
        parallel: int = 1,
        cpu: float = 1,
    ) -> None:
        self.resources = Resources(cpu=cpu, parallel=parallel)
        self.writer = FakeWriter()
        self.events = FakeListener()
        plan = RunPlan(
            trials=trials,
            max_epochs=EPOCHS,
            goal=MAXIMIZED,
            seed=0,
            default=SPACE.default,
            tests=False,
            parallel=parallel,
            grows=True,
        )
        self.controller = SearchController(
            plan,
            Policies(
                sampler=FakeSampler(SPACE),
                scheduler=FakeScheduler(),
                cohorts=CohortPolicy(SPACE, lambda _: (), CohortSettings(size=cohort), trials=trials),
            ),
            writer=self.writer,
            now=ticking_clock(),
            listeners=[self.events, Relay(self)],
        )
        self.worker_spec = WorkerSpec(
            objective=objective,
            folder=folder,
            settings={},
            seed=0,
            metric="accuracy",
            direction=Direction.MAXIMIZE,
            max_epochs=EPOCHS,
            device="cpu",
            folders=folders(folder / "checkpoints"),
        )
        self.react: Callable[[Event], None] = lambda _: None

    def run(self) -> None:
        RayTuneExecutor().run(self.controller, self.worker_spec, self.resources)

    @property
    def states(self) -> list[TrialState]:
        return [trial.state for _, trial in sorted(self.writer.trials.items())]

    def metric(self, name: str) -> list[float]:
        """Return what the best epochs of the trials measured."""
        return [trial.metrics[name] for _, trial in sorted(self.writer.trials.items())]

    def told(self, kind: EventKind) -> list[int]:
        """Return the numbers of the trials to which this happened."""
        return sorted(event.trial.number for event in self.events.events if event.kind is kind)


class Relay(Listener):
    """Does what the bench wants done when something happens."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def notify(self, event: Event) -> None:
        self.bench.react(event)


def measuring(read: Callable[[], float]) -> Callable[[Trial], Iterator[dict[str, float]]]:
    """Return an objective that measures, in its worker, what `read` reads there."""

    def train(trial: Trial) -> Iterator[dict[str, float]]:
        for epoch in range(trial.epoch, trial.max_epochs):
            yield {"accuracy": epoch, "read": read()}

    return train


def killing(root: Path, times: int) -> Callable[[Trial], Iterator[dict[str, float]]]:
    """Return an objective that takes its worker with it in the second epoch of trial 1, this many times."""

    def train(trial: Trial) -> Iterator[dict[str, float]]:
        for epoch in range(trial.epoch, trial.max_epochs):
            deaths = len(list(root.glob("death-*")))
            if trial.number == 1 and epoch == 1 and deaths < times:
                (root / f"death-{deaths}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            trial.save({"epoch": epoch + 1})
            yield {"accuracy": epoch}

    return train


def calling(address: str) -> Callable[[Trial], Iterator[dict[str, float]]]:
    """Return an objective that waits in its first epoch until whoever listens at `address` answers."""

    def train(trial: Trial) -> Iterator[dict[str, float]]:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(address)
            caller.recv(1)
        yield {"accuracy": 1.0}

    return train


@contextmanager
def answering(address: str, callers: int) -> Iterator[None]:
    """Answer at `address` as soon as there are this many callers at the same time, and no sooner."""

    def answer() -> None:
        calls = [listener.accept()[0] for _ in range(callers)]
        for call in calls:
            call.close()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()


def test_a_cohort_trains_in_one_actor_and_the_next_one_in_the_same(tmp_path: Path) -> None:
    bench = Bench(measuring(os.getpid), tmp_path, trials=4, cohort=2)
    bench.run()
    assert bench.states == [TrialState.COMPLETE] * 4
    assert bench.controller.is_finished
    (worker,) = set(bench.metric("read"))
    assert worker != os.getpid()


def test_cohorts_run_side_by_side(tmp_path: Path) -> None:
    address = str(tmp_path / "s")
    bench = Bench(calling(address), tmp_path, trials=2, parallel=2, cpu=0.5)
    with answering(address, callers=2):
        bench.run()
    assert bench.states == [TrialState.COMPLETE] * 2


def test_a_worker_is_given_the_resources_that_are_configured(tmp_path: Path) -> None:
    def processors() -> float:
        return float(ray.get_runtime_context().get_assigned_resources()["CPU"])

    bench = Bench(measuring(processors), tmp_path, trials=1, cpu=0.5)
    bench.run()
    assert bench.metric("read") == [0.5]


def test_a_worker_that_dies_gives_all_of_its_trials_back_and_they_go_on_where_they_were(tmp_path: Path) -> None:
    bench = Bench(killing(tmp_path, times=1), tmp_path, trials=3, cohort=3)
    bench.run()
    assert bench.told(EventKind.LOST) == [0, 1, 2]
    assert bench.states == [TrialState.COMPLETE] * 3
    assert [list(trial.curve) for trial in bench.writer.trials.values()] == [[1, 2, 3]] * 3


def test_what_the_controller_raises_about_a_report_ends_the_run_as_it_is(tmp_path: Path) -> None:
    bench = Bench(lambda trial: {"acuracy": 0.5}, tmp_path)
    with pytest.raises(ConfigurationError, match="did you mean 'acuracy'"):
        bench.run()


@pytest.mark.parametrize("kind", [EventKind.STARTED, EventKind.LOST])
def test_what_cannot_be_stored_ends_the_run_as_it_was_raised(kind: EventKind, tmp_path: Path) -> None:
    error = StorageError("the disk is full")

    def fail(event: Event) -> None:
        if event.kind is kind:
            raise error

    bench = Bench(killing(tmp_path, times=1), tmp_path)
    bench.react = fail
    with pytest.raises(StorageError) as raised:
        bench.run()
    assert raised.value is error


def test_a_run_that_is_stopped_keeps_what_its_trials_go_on_from(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if event.kind is EventKind.REPORTED:
            bench.controller.stop(StopCause.TIME)

    bench = Bench(killing(tmp_path, times=0), tmp_path, trials=4, cohort=2)
    bench.react = stop
    bench.run()
    assert bench.states == [TrialState.WAITING] * 2
    assert bench.told(EventKind.SUSPENDED) == [0, 1]
    for number, trial in bench.writer.trials.items():
        folder = bench.worker_spec.folders.checkpoints / f"trial-{number:05d}"
        assert (folder / f"epoch-{trial.last_epoch:06d}.safetensors").exists()


def test_a_run_that_is_stopped_does_not_wait_for_an_epoch_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(event: Event) -> None:
        if event.kind is EventKind.STARTED:
            bench.controller.stop(StopCause.INTERRUPT)

    monkeypatch.setattr(loop, "GRACE_SECONDS", 0.1)
    address = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        bench = Bench(calling(address), tmp_path, trials=1)
        bench.react = stop
        bench.run()
    assert bench.states == [TrialState.WAITING]
    assert bench.controller.is_finished


def test_an_objectives_own_error_fails_its_trial_and_not_its_worker(tmp_path: Path) -> None:
    def odd(trial: Trial) -> dict[str, float]:
        if trial.number % 2:
            raise RuntimeError("no such layer")
        return {"accuracy": 0.5, "read": os.getpid()}

    bench = Bench(odd, tmp_path, trials=4)
    bench.run()
    assert bench.states == [TrialState.COMPLETE, TrialState.FAIL] * 2
    assert len({bench.writer.trials[number].metrics["read"] for number in (0, 2)}) == 1
    assert bench.told(EventKind.LOST) == []


def test_a_worker_that_keeps_growing_is_replaced_between_cohorts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaking(trial: Trial) -> dict[str, float]:
        sys.modules["leaked"] = [sys.modules.get("leaked"), b"x" * 2**27]  # type: ignore[assignment]
        return {"accuracy": 0.5, "read": os.getpid()}

    monkeypatch.setattr(loop, "_GROWN_BYTES", 2**26)
    bench = Bench(leaking, tmp_path, trials=5)
    bench.run()
    assert bench.states == [TrialState.COMPLETE] * 5
    assert len(set(bench.metric("read"))) == 3, "each was replaced after the second trial, which grew it"
    assert bench.told(EventKind.LOST) == []
