"""What a run that a signal stops says."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

import tuner
from tuner.domain.errors import StudyInterrupted
from tuner.domain.executor import Executor
from tuner.domain.resources import Resources
from tuner.domain.run_controller import RunController
from tuner.domain.worker_spec import WorkerSpec
from tuner.models import final_answer
from tuner.running import launch

pytestmark = pytest.mark.usefixtures("workplace")


def interrupted(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    """Is stopped by Ctrl-C as it trains."""
    os.kill(os.getpid(), signal.SIGINT)
    yield {"loss": trial.config["x"]}


def run_interrupted(budget: tuner.Budget, executor: str) -> None:
    """Run a study that a signal stops."""
    asked = tuner.StudySpec(
        objective=interrupted,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="loss",
        budget=budget,
        executor=executor,
    )
    with pytest.raises(StudyInterrupted):
        tuner.run(asked)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (tuner.Budget(trials=2, epochs=2), "as soon as the epochs that are being trained are over"),
        (tuner.Budget(trials=2, steps=200), "as soon as the trials that are being trained have reported again"),
    ],
)
def test_it_says_when_it_will_stop_in_the_words_of_its_unit(
    budget: tuner.Budget, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    run_interrupted(budget, "inline")
    assert words in capfd.readouterr().err


class Impatient(Executor):
    """Is stopped by SIGTERM at once, and would wait for the epochs that are being trained for a while."""

    grace_seconds = 7.0

    def run(self, controller: RunController, worker_spec: WorkerSpec, resources: Resources) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        controller.abandon()


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (tuner.Budget(trials=2, epochs=2), "stopping: epochs that are over within 7 s are saved; "),
        (tuner.Budget(trials=2, steps=200), "stopping: trials that report within 7 s are saved; "),
    ],
)
def test_an_executor_that_waits_for_a_while_says_how_long_and_what_becomes_of_the_others(
    budget: tuner.Budget, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    run_interrupted(budget, f"{__name__}:Impatient")
    said = capfd.readouterr().err
    assert f"{words}trials that take longer are cut off, and continue from their last checkpoint" in said
    assert "saves them" not in said


@pytest.mark.parametrize(
    ("interrupted_in", "words"),
    [
        ("store_new", "stopped before the run began: nothing of it is stored"),
        ("settle_first", "stopped, everything that was recorded is saved; continue with: tuner resume mine"),
    ],
)
def test_ctrl_c_names_how_to_resume_only_where_the_study_is_stored(
    interrupted_in: str,
    words: str,
    user_folder: object,
    cli: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, interrupted_in, interrupt)
    code, _, messages = cli("run", "mine.toml", "--executor", "inline")
    assert code == 130
    assert words in messages
    assert ("tuner resume" in messages) is (interrupted_in != "store_new")


def test_ctrl_c_while_a_worker_settles_a_model_says_that_work_continues(
    user_folder: object, cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(final_answer, "settle_answer", interrupt)
    assert cli("submit", "mine.toml", "--trials", "1")[0] == 0
    code, _, messages = cli("work", "--until-empty", "--executor", "inline")
    assert code == 130
    assert "stopped, everything that was recorded is saved; continue with: tuner work" in messages
    assert "before the run began" not in messages


@pytest.mark.parametrize(
    "command", [("resume", "mine", "--trials", "9"), ("retry", "mine", "--failed"), ("confirm", "mine")]
)
def test_ctrl_c_before_a_stored_study_continues_says_that_the_same_command_continues_it(
    command: tuple[str, ...],
    user_folder: object,
    cli: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "rebuild_components", interrupt)
    assert cli("run", "mine.toml", "--executor", "inline", "--trials", "1")[0] == 0
    code, _, messages = cli(*command)
    assert code == 130
    assert "study mine is as it was; continue with the same command" in messages
