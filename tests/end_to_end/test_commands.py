"""A program as an objective, with no Python of a person's that imports tuner, and with no study file."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import TEMPLATE, Command
from templates import gone

import tuner

Cli = Callable[..., tuple[int, str, str]]

PROGRAM = """
import argparse, json, os, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--momentum", type=float, default=0.5)
parser.add_argument("--epochs", type=int, default=3)
arguments = parser.parse_args()
print("working on", arguments, file=sys.stderr)
for epoch in range(1, arguments.epochs + 1):
    print(json.dumps({"epoch": epoch, "loss": abs(arguments.lr - 0.3) + 1 / epoch, "momentum": arguments.momentum}))
"""
SPACE = """
lr = {float = [0.01, 1.0], log = true, default = 0.1}
[optimizer.choice.sgd]
momentum = {float = [0.0, 0.9]}
[optimizer.choice.adam]
"""
STUDY = """
command = [
    "{python}", "-S", "train.py", "--lr", "{lr}", "--momentum={momentum}", "--epochs", "{trial.max_epochs}",
]
search_space = "space.toml"
metric = "loss"
executor = "inline"
[budget]
trials = 6
epochs = 4
"""
LINE = f"{sys.executable} -S train.py --lr {{lr}} --momentum={{momentum}} --epochs {{trial.max_epochs}}"


@pytest.fixture
def program(workplace: Path) -> Path:
    for name, text in (("train.py", PROGRAM), ("space.toml", SPACE), ("study.toml", STUDY)):
        (workplace / name).write_text(text)
    return workplace


@pytest.mark.usefixtures("program")
def test_a_study_file_names_a_command_in_place_of_an_objective(cli: Cli) -> None:
    assert cli("run", "study.toml")[0] == 0
    study = tuner.load_study("study")
    assert [trial.state.value for trial in study.trials].count("COMPLETE") >= 1
    first = study.trials[0]
    assert first.config == {"lr": 0.1, "optimizer": {"name": "sgd", "momentum": 0.45}}
    assert first.curve == pytest.approx({epoch: 0.2 + 1 / epoch for epoch in range(1, 5)})
    assert first.metrics["momentum"] == 0.45
    unset = next(trial for trial in study.trials if trial.config["optimizer"]["name"] == "adam")
    assert unset.metrics["momentum"] == 0.5


@pytest.mark.usefixtures("program")
def test_with_no_study_file_options_say_all_that_there_is_to_say(cli: Cli, workplace: Path) -> None:
    words = ("--command", LINE, "--space", "space.toml", "--metric", "loss", "--set", "budget.epochs=2")
    code, answer, messages = cli("check", *words, "--set", "executor=inline")
    assert (code, "next: tuner run --command" in answer) == (0, True), messages
    assert cli("run", *words, "--trials", "3", "--executor", "inline")[0] == 0
    stored = json.loads(cli("best", "train", "--json")[1])
    assert (stored["metric"], stored["direction"]) == ("loss", "minimize")
    assert cli("resume", "train", "--trials", "4")[0] == 0
    assert len(tuner.load_study("train").trials) == 4
    assert cli("init", "again.toml", "--from", "train")[0] == 0
    assert cli("run", "again.toml", "--executor", "inline", "--trials", "1")[0] == 0
    assert tuner.load_study("again").trials[0].curve == tuner.load_study("train").trials[0].curve


@pytest.mark.usefixtures("program")
def test_mistakes_are_told_all_at_once_before_anything_runs(cli: Cli, workplace: Path) -> None:
    code, _, messages = cli("run", "--command", "no-such-program --lr {lrr} {momentum}", "--space", "space.toml")
    assert code == 2
    said = " ".join(messages.split())
    assert "--metric: is missing" in said
    assert "{lrr} is unknown; did you mean 'lr'?" in said
    assert "{momentum} in '{momentum}' exists in some configurations only" in said
    assert "there is no program 'no-such-program' on PATH" in said
    assert not (workplace / ".tuner").exists()


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "--command: is empty"),
        (" ", "--command: is empty"),
        ("'train.py", "split into words: No closing quotation"),
    ],
)
def test_a_command_line_that_is_no_command_is_one_mistake(cli: Cli, line: str, words: str) -> None:
    code, _, messages = cli("run", "--command", line, "--space", "space.toml", "--metric", "loss")
    assert code == 2
    said = " ".join(messages.split())
    assert words in said
    assert "no program" not in said


@pytest.mark.usefixtures("program")
def test_a_study_of_a_command_goes_on_elsewhere_where_a_person_trusts_it(
    cli: Cli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("run", "--command", LINE, "--space", "space.toml", "--metric", "loss", "--trials", "1", "--executor", "inline")
    (workplace / "elsewhere").mkdir()
    monkeypatch.chdir(workplace / "elsewhere")
    words = ("resume", "train", "--storage", "../.tuner/studies.db", "--trials", "2")
    code, _, messages = cli(*words)
    assert code == 2
    assert "train.py" in messages
    assert "--trust" in messages
    assert cli(*words, "--trust")[0] == 0


@pytest.mark.usefixtures("program")
def test_a_command_that_only_a_database_elsewhere_says_is_not_run(
    cli: Cli, workplace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    storage = str(tmp_path_factory.mktemp("apart") / "s.db")
    options = ("--storage", storage, "--executor", "inline")
    cli("run", "--command", LINE, "--space", "space.toml", "--metric", "loss", "--trials", "1", *options)
    code, _, messages = cli("resume", "train", "--trials", "2", *options)
    assert (code, "known from the database alone" in " ".join(messages.split())) == (2, True)
    assert cli("resume", "train", "--trials", "2", "--trust", *options)[0] == 0
    cli("run", "study.toml", "--trials", "1", *options)
    assert cli("resume", "study", "--trials", "2", *options)[0] == 0


CHECKPOINTING = """
import json, os, sys, time
saved, folder, pause = sys.argv[1:]
start = int(open(os.path.join(saved, "state")).read()) if saved else 0
open("pids.txt", "a").write(f"{os.getpid()}\\n")
for epoch in range(start + 1, 7):
    path = os.path.join(folder, f"state-{epoch}")
    os.makedirs(path, exist_ok=True)
    open(os.path.join(path, "state"), "w").write(str(epoch))
    print(json.dumps({"epoch": epoch, "loss": 1 / epoch, "checkpoint": path}))
    open("trained.txt", "a").write(f"{os.environ['TUNER_TRIAL_NUMBER']} {epoch}\\n")
    while epoch == 4 and not os.path.exists("go"):
        time.sleep(0.01)
"""


@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_a_driver_that_is_killed_leaves_no_command_and_the_study_goes_on_from_the_checkpoint(
    executor: str, workplace: Path, cli: Cli
) -> None:
    (workplace / "train.py").write_text(CHECKPOINTING)
    (workplace / "space.toml").write_text("pause = [0.1]\n")
    (workplace / "study.toml").write_text(
        f'command = "{sys.executable} -S train.py {{trial.checkpoint}} {{trial.folder}} {{pause}}"\n'
        f'search_space = "space.toml"\nmetric = "loss"\nexecutor = "{executor}"\n'
        "[budget]\ntrials = 1\nepochs = 6\n"
    )
    driver = TEMPLATE.start("run", "study.toml")
    trained = workplace / "trained.txt"
    try:
        wait_for(lambda: reported(workplace) >= 3 and trained.read_text().count("\n") >= 4, driver)
    finally:
        driver.kill()
        driver.communicate()
    assert all(gone(int(pid)) for pid in (workplace / "pids.txt").read_text().split())
    (workplace / "go").touch()
    code, _, messages = cli("resume", "study")
    assert code == 0, messages
    study = tuner.load_study("study")
    assert study.trials[0].curve == pytest.approx({epoch: 1 / epoch for epoch in range(1, 7)})
    repeated = [line for line in trained.read_text().splitlines() if line == "0 1"]
    assert len(repeated) == 1
    if executor == "ray":
        code, log, _ = cli("logs", "study", "0")
        assert (code, log.count('"epoch": 6')) == (0, 1)


def reported(workplace: Path) -> int:
    """Return the last epoch that is stored."""
    try:
        return max((trial.last_epoch for trial in tuner.load_study("study").trials), default=0)
    except tuner.TunerError:
        return 0


def wait_for(condition: Callable[[], bool], process: Command) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)  # polling what another process writes: there is no event to await


@pytest.mark.usefixtures("program")
def test_the_report_of_a_study_names_its_command(cli: Cli, workplace: Path) -> None:
    cli("run", "study.toml", "--trials", "1")
    assert cli("report", "study", "--output", "page.html")[0] == 0
    assert "train.<wbr>py --lr" in (workplace / "page.html").read_text()
