"""Commands as objectives: what they report, how they end, and what is told of those that fail."""

import json
import os
import select
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tuner.domain.command import Command
from tuner.domain.config import Config
from tuner.domain.fidelity import STEPS, TOKENS
from tuner.domain.trial import Failure, FailureReason, Trial
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.execution.command import process as command_process
from tuner.execution.command import training
from tuner.execution.command.training import trained_by
from tuner.system.processes import start_time

Start = Callable[..., Generator[Any, None, None]]


def failure(trial: Generator[Any, None, None]) -> Failure:
    *_, last = trial
    assert isinstance(last, Failure)
    return last


def test_lines_of_json_with_the_metric_are_reports_and_all_others_are_output(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    program = """
        print("begin", {"loss": 1})
        for epoch in range(3):
            print(json.dumps({"other": 1}))
            print(json.dumps({"epoch": epoch, "loss": 1 / (epoch + 1), "accuracy": 0.5, "who": "me"}))
        print("to stderr", file=sys.stderr)
        print('{"loss": 9', end="")
    """
    assert [*start(program)] == [
        {"loss": 1.0, "accuracy": 0.5, "who": "me"}, {"loss": 0.5, "accuracy": 0.5, "who": "me"},
        {"loss": 1 / 3, "accuracy": 0.5, "who": "me"},
    ]  # fmt: skip
    printed = capsys.readouterr()
    assert printed.out.startswith("begin {'loss': 1}\n{\"other\": 1}\n")
    assert printed.out.endswith('{"loss": 9')
    assert printed.err == "to stderr\n"


def test_a_pattern_reads_what_is_no_json(start: Start) -> None:
    program = "for n in (1, 2): print(f'Epoch {n}/2 | loss=1e-0{n}, acc={n}')\nprint('Epoch 3/2 done')"
    pattern = r"Epoch (?P<epoch>\d+).*loss=(?P<loss>[\d.e+-]+)"
    assert [*start(program, pattern=pattern)] == [{"loss": 0.1}, {"loss": 0.01}]


def test_a_report_is_read_before_the_program_ends_although_python_would_keep_it(start: Start) -> None:
    trial = start("print(json.dumps({'loss': 1}))\nprint('{\"loss\": 2}')\ntime.sleep(600)")
    assert [next(trial), next(trial)] == [{"loss": 1}, {"loss": 2}]
    trial.close()


def test_the_trial_is_told_by_arguments_by_variables_and_by_a_file(start: Start, workplace: Path) -> None:
    program = """
        told = {name: value for name, value in os.environ.items() if name.startswith("TUNER_TRIAL_")}
        socket.socket(socket.AF_UNIX).connect("\\0" + told.pop("TUNER_TRIAL_SOCKET"))
        print(json.dumps({"loss": 1, "words": sys.argv[1:], "told": told, "file": json.load(open(sys.argv[-1]))}))
    """
    words = ("--lr", "{lr}", "-n{trial.number}", "--resume={trial.checkpoint}", "--depth", "{depth}", "{config}")
    (report,) = start(program, *words)
    config = {"lr": 0.5, "optimizer": {"name": "sgd", "momentum": 0.25}}
    path = str(workplace / "place" / "tuner-config.json")
    assert report["words"] == ["--lr", "0.5", "-n3", "--resume=", path]
    assert report["file"] == config
    assert report["told"] == {
        "TUNER_TRIAL_NUMBER": "3", "TUNER_TRIAL_SEED": "11", "TUNER_TRIAL_DEVICE": "cpu", "TUNER_TRIAL_EPOCH": "0",
        "TUNER_TRIAL_MAX_EPOCHS": "9", "TUNER_TRIAL_CHECKPOINT": "", "TUNER_TRIAL_CONFIG": path,
        "TUNER_TRIAL_FOLDER": str(workplace / "place"), "TUNER_TRIAL_UNIT": "epochs",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("program", "reason", "words"),
    [
        (
            "print('working'); sys.exit(3)",
            FailureReason.RAISED,
            "ended with exit code 3; the end of its output:\nworking",
        ),
        ("raise ValueError('boom')", FailureReason.RAISED, "ended with exit code 1; the end of its output:\n"),
        ("raise ValueError('boom')", FailureReason.RAISED, "ValueError: boom"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", FailureReason.RAISED, "was killed by SIGSEGV, and printed nothing"),
        ("print('loss: 3')", FailureReason.NO_METRICS, 'looked for lines such as {"epoch": 1, "loss": 0.5} on its'),
        ("print('loss: 3')", FailureReason.NO_METRICS, "the end of its output:\nloss: 3"),
        (
            "print(json.dumps({'epoch': 1, 'val_loss': 1, 'ok': True, 'model_size': 2.5, 'name': 'a'}))",
            FailureReason.NO_METRICS,
            "; it prints val_loss, model_size: name one of them by `metric`; did you mean 'val_loss'?; the end of",
        ),
        (
            "for n in range(99): print(json.dumps({f'{n}' * 50: 1, f'm{n}': 2}))",
            FailureReason.NO_METRICS,
            "; it prints m0, m1, m2, m3, m4, m5, m6, m7: name one of them by `metric`; the end of",
        ),
        ("print('{\"loss\": 1}'); sys.exit(4)", FailureReason.RAISED, "exit code 4"),
        (
            "for n in (2, 1): print(json.dumps({'loss': 1, 'step': n}))",
            FailureReason.RAISED,
            "step 1 was reported, and",
        ),
        ('print(\'{"loss": 1, "checkpoint": "no/file"}\')', FailureReason.RAISED, "No such file or directory"),
    ],
)
def test_a_command_that_fails_says_how_and_shows_the_end_of_its_output(
    start: Start, program: str, reason: FailureReason, words: str
) -> None:
    found = failure(start(program))
    assert found.reason is reason
    assert words in found.message


def test_a_program_that_cannot_be_started_is_the_failure_of_its_trial(start: Start, workplace: Path) -> None:
    (workplace / "no-program").write_text("text")
    (workplace / "no-program").chmod(0o755)
    trial = start("")
    trial.close()
    command = Command(words=("./no-program",))
    place = Trial(
        config=Config({}), number=0, seed=0, device="cpu", epoch=0, max_epochs=1, settings=Config({}),
        checkpoints=TrialCheckpoints(workplace / "checkpoints", 0, 0), place=workplace / "place",
    )  # fmt: skip
    assert (
        "could not be started: [Errno 8] Exec format error"
        in failure(trained_by(command, ["loss"], workplace)(place)).message
    )


def test_the_second_report_of_an_epoch_is_left_out_with_a_word(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    program = "for n in (1, 1, 2): print(json.dumps({'loss': n, 'epoch': n}))"
    assert [each["loss"] for each in start(program)] == [1, 2]
    assert "epoch 1 is reported twice" in capsys.readouterr().err


def test_what_is_told_of_a_trial_is_in_the_unit_of_its_study(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    program = "for n in (500, 500, 1000): print(json.dumps({'loss': n, 'step': n}))"
    assert [each["loss"] for each in start(program, unit=STEPS, max_epochs=2000)] == [500, 1000]
    assert "step 500 is reported twice" in capsys.readouterr().err
    assert 'such as {"step": 1, "loss": 0.5}' in failure(start("", unit=STEPS)).message
    program = "import tuner\ntuner.report(loss=1, unit=tuner.current_trial().unit.value)"
    assert [*start(program, options=(), unit=TOKENS)] == [{"loss": 1, "unit": "tokens"}]


TRAPPING = """
import subprocess
child = subprocess.Popen(["sleep", "600"], start_new_session=bool(sys.argv[1:]))
def stop(*_):
    open("stopped", "w").write("yes")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print(json.dumps({"loss": 1, "pids": [os.getpid(), child.pid]}))
signal.pause()
"""


@pytest.mark.parametrize("words", [(), ("apart",)])
def test_stopping_sends_sigterm_and_leaves_nothing_of_the_group_or_of_what_left_it(
    start: Start, workplace: Path, words: tuple[str, ...]
) -> None:
    trial = start(TRAPPING, *words)
    processes = [psutil.Process(pid) for pid in next(trial)["pids"]]
    trial.close()
    assert (workplace / "stopped").read_text() == "yes"
    assert psutil.wait_procs(processes, timeout=60)[1] == []  # what was killed may exist for a moment longer


def test_what_ignores_sigterm_is_killed_after_the_grace_time(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_process, "GRACE_SECONDS", 0.1)
    trial = start(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(json.dumps({'loss': 1, 'pid': os.getpid()}))\n"
        "while True: signal.pause()"
    )
    pid = next(trial)["pid"]
    trial.close()
    assert start_time(pid) == ""


def test_after_its_last_epoch_a_command_may_end_by_itself(start: Start, workplace: Path) -> None:
    program = """
        def stop(*_): open("stopped", "w")
        signal.signal(signal.SIGTERM, stop)
        print('{"loss": 1}')
        time.sleep(0.5)
        open("saved", "w")
    """
    trial = start(program, max_epochs=1)
    assert next(trial) == {"loss": 1}
    trial.close()
    assert (workplace / "saved").exists()
    assert not (workplace / "stopped").exists()


def test_a_command_that_trains_on_after_its_last_epoch_is_ended_at_once(start: Start, workplace: Path) -> None:
    program = "for n in range(1, 10000): print(json.dumps({'loss': n, 'pid': os.getpid()})); time.sleep(0.01)"
    trial = start(program, max_epochs=2)
    next(trial)
    pid = next(trial)["pid"]
    trial.close()
    assert start_time(pid) == ""


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (
            "print('no space'); sys.exit(3)",
            "tuner: after epoch 1, its last one, the command ended with exit code 3: no space\n",
        ),
        ("sys.exit(0)", ""),
        ("signal.pause()", ""),
    ],
)
def test_an_exit_code_after_the_last_epoch_is_a_note(
    start: Start, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, end: str, said: str
) -> None:
    if not said:
        monkeypatch.setattr(training, "PATIENCE_SECONDS", 0.5)
    trial = start(f"print('{{\"loss\": 1}}'); {end}", max_epochs=1)
    assert next(trial) == {"loss": 1}
    trial.close()
    assert capsys.readouterr().err == said


def test_sigterm_to_the_trials_process_ends_the_command(start: Start) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        trial = start(TRAPPING)
        next(trial)
        os.kill(os.getpid(), signal.SIGTERM)
        assert [*trial] == []
    finally:
        signal.signal(signal.SIGTERM, before)


def test_output_without_an_end_is_read_in_bounded_memory_and_what_holds_a_pipe_open_is_not_waited_for(
    start: Start,
) -> None:
    program = """
        import subprocess
        sys.stdout.write("x" * 3_000_000 + "\\n")
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        sys.stdout.write("10%|#  |\\r20%|## |\\r" + json.dumps({"loss": 2, "pid": child.pid}) + "\\n")
    """
    (report,) = start(program)
    assert report["loss"] == 2


def test_a_command_that_ends_by_itself_leaves_nothing_that_it_has_started_in_a_session_of_its_own(start: Start) -> None:
    program = """
        import subprocess
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        print(json.dumps({"loss": 2, "pid": child.pid}))
    """
    trial = start(program)
    child = psutil.Process(next(trial)["pid"])
    assert [*trial] == []
    assert psutil.wait_procs([child], timeout=60)[1] == []  # what was killed may exist for a moment longer


def test_a_guard_ends_the_command_when_this_process_is_killed(start: Start, workplace: Path) -> None:
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.setsid()
        trial = start(TRAPPING, "apart")
        os.write(write, json.dumps(next(trial)["pids"]).encode())
        signal.pause()
    command, apart = json.loads(os.read(read, 100))
    handles = [os.pidfd_open(each) for each in (command, apart)]
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    for each in handles:
        select.select([each], [], [], 60)
    assert (start_time(command), start_time(apart)) == ("", "")
    for handle in (read, write, *handles):
        os.close(handle)


CHECKPOINTING = """
start = int(open(os.path.join(sys.argv[1], "state")).read()) if sys.argv[1] else 0
for epoch in range(start + 1, 9):
    path = os.path.join(os.environ["TUNER_TRIAL_FOLDER"], f"state-{epoch}")
    os.makedirs(path, exist_ok=True)
    open(os.path.join(path, "state"), "w").write(str(epoch))
    print(json.dumps({"epoch": epoch, "loss": epoch, "checkpoint": path}))
"""


def test_what_a_line_names_as_a_checkpoint_is_what_the_next_run_is_given(start: Start) -> None:
    trial = start(CHECKPOINTING, "{trial.checkpoint}")
    assert [next(trial)["loss"] for _ in range(3)] == [1, 2, 3]
    trial.close()
    again = start(CHECKPOINTING, "{trial.checkpoint}", recorded=3)
    assert next(again)["loss"] == 4
    again.close()
