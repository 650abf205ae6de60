"""Whatever is wrong: one clear message, the right exit code, no traceback, and nothing written."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]

RUN = ("run", "mine.toml", "--executor", "inline")


@pytest.fixture(autouse=True)
def _forgotten_modules(user_folder: Path) -> Iterator[None]:
    yield
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


def options(**values: str) -> list[str]:
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "digts"], "unknown study 'digts'; did you mean 'digits'?"),
        (["run", "mine"], "unknown study 'mine'; did you mean mine.toml?"),
        (["run", "other.toml"], "there is no study file other.toml"),
        (["run", "~nobody-is-called-so/x.toml"], "there is no study file ~nobody-is-called-so/x.toml"),
        ([*RUN, "--name", "a/b"], "a study cannot be called 'a/b'"),
        ([*RUN, "--name", ".."], "a study cannot be called '..'"),
        ([*RUN, "--name", "a\x1b[31m"], r"a study cannot be called 'a\x1b[31m'"),
        ([*RUN, "--trials", "0"], "--trials: 0 is below 1"),
        ([*RUN, "--time", "soon"], "--time: 'soon' is not a duration"),
        ([*RUN, "--seed", "-1"], "--seed: -1 is below 0"),
        ([*RUN, "--parallel", "many"], "--parallel: 'many' is neither a whole number above 0 nor 'auto'"),
        ([*RUN, "--cohort", "0"], "--cohort: 0 is neither a whole number above 0 nor 'auto'"),
        ([*RUN, "--sampler", "tpee"], "unknown sampler 'tpee'; did you mean 'tpe'?"),
        ([*RUN, "--scheduler", "asah"], "unknown scheduler 'asah'; did you mean 'asha'?"),
        (["run", "mine.toml", "--executor", "rya"], "unknown executor 'rya'; did you mean 'ray'?"),
        ([*RUN, "--set", "trials"], "--set 'trials' has no value"),
        (
            [*RUN, "--set", "budget.trails=3"],
            "error: --set budget.trails: unknown key 'trails'; did you mean 'trials'?",
        ),
        ([*RUN, "--set", "direction=up"], "--set direction: 'up' is not 'maximize' or 'minimize'"),
        ([*RUN, "--set", "objective=supervized"], "unknown objective 'supervized'; did you mean 'supervised'?"),
        (
            [*RUN, "--set", "objective=mytask:trian"],
            "the objective 'mytask:trian' names nothing; did you mean 'train'?",
        ),
        ([*RUN, "--set", "objective=mytsk:train"], "no module 'mytsk' for the objective"),
        ([*RUN, "--set", "search_space=mytask:train"], "is a function, not a SearchSpace"),
        ([*RUN, "--set", "search_space=image_clasifier"], "did you mean 'image_classifier'?"),
        ([*RUN, "--set", "scheduler.eta=1"], "scheduler.eta: 1 is below 2"),
        ([*RUN, "--set", "scheduler.etta=3"], "scheduler: unknown option 'etta'; did you mean 'eta'?"),
        ([*RUN, "--set", "scheduler.eta=three"], "scheduler.eta: 'three' is not a whole number"),
        ([*RUN, "--set", "scheduler.min_epochs=99"], "scheduler.min_epochs: 99 is above budget.epochs, 9"),
        ([*RUN, "--sampler", "cma_es"], "sampler cma_es: it searches only numbers, and these are choices: shape"),
        ([*RUN, "--set", "resources.gpu=1"], "resources.gpu: 1 GPU is asked for and there is none on this machine"),
        ([*RUN, "--set", "resources.cpu=4096"], "resources.cpu: 4096 processors are asked for"),
        (["run", "digits", "--set", "metric=acuracy"], "does not yield 'acuracy'; did you mean 'accuracy'?"),
        (["run", "digits", "--set", "settings.dataset=digts"], "did you mean 'digits'?"),
        (["run", "digits", "--set", "settings.datset=digits"], "did you mean 'dataset'?"),
        (["run", "digits", "--set", "search_space=tabular_regressor"], "regression"),
        ([*RUN, "--storage", "sqlite://"], "a study in memory would be lost"),
        ([*RUN, "--storage", "nosuchdb://host/db"], "no driver is installed for 'nosuchdb' databases"),
        (["check", "digts"], "did you mean 'digits'?"),
        (["run", ""], "unknown study ''"),
        (["run", "."], "unknown study '.'"),
        (["run", "--data", "no.csv", "--target", "y"], "error: --data: there is no no.csv"),
        (["run", "--data", "rows.csv", "--target", "z"], "error: --target: there is no column 'z' (columns: x, y)"),
        (["run", "--data", "rows.csv"], "error: --target: missing; which column is to be predicted?"),
        (["check", "--data", "rows.csv"], "error: --target: missing; which column is to be predicted?"),
        ([*RUN, "--trials", "many"], "Invalid value for '--trials': 'many' is not a whole number"),
        (["best", "mine", "--top", "0"], "Invalid value for '--top': '0' is below 1"),
        (["trials", "mine", "--format", "xml"], "for '--format': 'xml' is not one of 'table', 'json', 'csv'"),
        (["bset", "mine"], "there is no command 'bset'; did you mean 'best'?"),
        (["resume", "mine"], "no study 'mine' in"),
        (["best", "mine"], "no study 'mine' in"),
        (["status", "mine"], "no study 'mine' in"),
        (["trials", "mine"], "no study 'mine' in"),
        (["trials", "mine", "--state", "failed"], "unknown state 'failed'; did you mean 'fail'?"),
    ],
)
def test_a_mistake_is_told_in_one_message_and_nothing_is_written(
    words: list[str], message: str, cli: Cli, user_folder: Path
) -> None:
    (user_folder / "rows.csv").write_text("x,y\n" + "1,2\n" * 40)
    code, answer, messages = cli(*words)
    assert code == 2, messages
    assert message in messages
    assert answer == ""
    assert "Traceback" not in messages
    assert not (user_folder / ".tuner").exists()


def test_all_mistakes_are_told_together(cli: Cli) -> None:
    code, _, messages = cli(*RUN, "--sampler", "tpee", "--scheduler", "asah", "--set", "resources.gpu=3")
    assert code == 2
    assert "3 mistakes" in messages
    for word in ("tpee", "asah", "resources.gpu"):
        assert word in messages


def test_mistakes_of_every_kind_are_told_together(cli: Cli) -> None:
    code, _, messages = cli(
        *(*RUN, "--trials", "0", "--cohort", "few", "--name", "a/b", "--log", "paper", "--sampler", "tpee"),
        *("--set", "seed", "--set", "budget.trails=3", "--set", "scheduler.etta=3", "--set", "objective=mytask:trian"),
    )
    assert code == 2
    assert "9 mistakes" in messages
    for words in ("--trials: 0", "--cohort: 'few'", "'a/b'", "'paper'", "'tpee'", "'seed'", "trails", "etta", "trian"):
        assert words in messages


def test_mistakes_in_what_a_study_goes_on_with_are_told_together(cli: Cli) -> None:
    cli(*RUN, "--trials", "1", "--set", "budget.epochs=1")
    code, _, messages = cli("resume", "mine", "--trials", "0", "--time", "soon", "--log", "paper")
    assert code == 2
    assert "3 mistakes" in messages
    for words in ("--trials: 0 is below 1", "--time: 'soon' is not a duration", "'paper'"):
        assert words in messages


def test_what_follows_from_a_mistake_alone_is_not_told(cli: Cli) -> None:
    _, _, messages = cli(*RUN, "--set", "metric=3", "--set", "budget.epochs=0", "--set", "scheduler.min_epochs=99")
    assert "2 mistakes" in messages
    assert "--set metric: 3 is not text" in messages
    assert "--set budget.epochs: 0 is below 1" in messages


def test_an_impossible_space_is_refused_at_once(user_folder: Path, cli: Cli) -> None:
    with (user_folder / "mytask.py").open("a") as file:
        file.write('nowhere = SearchSpace(x=Float(0, 1)).require("x is large", lambda config: config["x"] > 2)\n')
    code, _, messages = cli(*RUN, "--set", "search_space=mytask:nowhere")
    assert code == 2
    assert "the space is impossible" in messages
    assert "'x is large'" in messages


def test_a_broken_space_shows_all_of_its_mistakes(user_folder: Path, cli: Cli) -> None:
    (user_folder / "mybad.py").write_text(
        "from tuner import *\nspace = SearchSpace(a=Int(5, 1), b=Choice(x={'lr': Float(0, 1, log=True)}))\n"
    )
    code, _, messages = cli(*RUN, "--set", "search_space=mybad:space")
    assert code == 2
    assert "a: low 5 is above high 1" in messages
    assert "b.x.lr: a log scale needs low above 0, not 0" in messages
    sys.modules.pop("mybad", None)


def test_a_name_that_is_taken_is_refused_with_both_ways_on(cli: Cli) -> None:
    cli(*RUN, "--trials", "1")
    code, _, messages = cli(*RUN, "--trials", "1")
    assert code == 2
    assert "study 'mine' exists already" in messages
    assert "tuner resume mine" in messages
    assert "--name" in messages


@pytest.mark.parametrize("storage", ["/proc/nothing/studies.db", "file/studies.db"])
def test_a_storage_that_cannot_be_made_exits_4(storage: str, cli: Cli, user_folder: Path) -> None:
    (user_folder / "file").write_text("")
    code, _, messages = cli(*RUN, "--storage", storage)
    assert code == 4
    assert "cannot be used" in messages
    assert "Traceback" not in messages


def test_a_damaged_storage_exits_4(cli: Cli, user_folder: Path) -> None:
    (user_folder / "damaged.db").write_bytes(b"no database at all" * 100)
    code, _, messages = cli("best", "mine", "--storage", "damaged.db")
    assert code == 4
    assert "file is not a database" in messages


def test_a_study_of_plain_optuna_can_be_queried_but_not_resumed(cli: Cli, user_folder: Path) -> None:
    import optuna  # noqa: PLC0415

    study = optuna.create_study(study_name="plain", storage=f"sqlite:///{user_folder}/plain.db")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    assert cli("best", "plain", "--storage", "plain.db")[0] == 0
    code, _, messages = cli("resume", "plain", "--storage", "plain.db")
    assert code == 2
    assert "was not made by tuner" in messages


def test_an_unknown_command_is_told(cli: Cli) -> None:
    code, _, messages = cli("rnu")
    assert code == 2
    assert "rnu" in messages
