"""Configurations are added to a stored study: checked, completed, and tried by whatever process runs it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import PROGRAM, TEMPLATE

import tuner
from tuner.domain.errors import ConfigurationError
from tuner.running.queueing import add_to_study, nested
from tuner.storage.store import open_store

pytestmark = pytest.mark.usefixtures("workplace")


def made() -> tuner.SearchSpace:
    return tuner.SearchSpace(
        optimizer=tuner.Choice(
            adamw={"lr": tuner.Float(1e-4, 1e-1, log=True, default=1e-3), "decay": tuner.Float(0, 1)},
            sgd={"lr": tuner.Float(1e-3, 1.0, log=True)},
        ),
        width=tuner.Int(16, 64, default=32),
    )


SPACE = made()


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"score": trial.config["optimizer"]["lr"]}


def measure_width(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"score": trial.config["width"]}


def spec(trials: int = 2, space: tuner.SearchSpace = SPACE) -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=train,
        search_space=space,
        metric="score",
        direction="maximize",
        name="added",
        budget=tuner.Budget(trials=trials, epochs=1),
        executor="inline",
        sampler="random",
    )


def add(*given: Any, space: tuner.SearchSpace | None = None) -> tuple[list[Any], tuple[str, ...]]:
    queued = add_to_study(open_store(None), "added", given, space)
    return [each.config for each in queued.configs], queued.notes


def configs() -> list[Any]:
    return [trial.config for trial in open_store(None).read("added")[1]]


def test_keys_may_be_dotted_as_configurations_or_as_parameters_are() -> None:
    adamw = {"optimizer": {"name": "adamw", "lr": 0.01}}
    assert nested(SPACE, {"optimizer.adamw.lr": 0.01}) == adamw
    assert nested(SPACE, {"optimizer": "adamw", "optimizer.lr": 0.01}) == adamw
    assert nested(SPACE, {"optimizer.lr": 0.01, "optimizer": "adamw"}) == adamw
    assert nested(SPACE, {"optimizer.name": "adamw", "optimizer.lr": 0.01}) == adamw
    assert nested(SPACE, {"optimizer.lr": 0.01, "width": 16}) == {"optimizer": {"lr": 0.01}, "width": 16}
    assert nested(SPACE, adamw) == adamw


def test_an_idle_study_tries_what_was_added_first_when_it_is_resumed_and_counts_it() -> None:
    study = tuner.run(spec())
    beyond = "2 of its 2 trials; what is beyond them is tried with more trials: tuner resume added --trials 4"
    with pytest.warns(UserWarning, match=beyond):
        added = study.add({"optimizer.lr": 0.01}, {"optimizer": {"name": "sgd"}, "width": 16})
    lr = SPACE.parameters["optimizer.sgd.lr"].default
    assert added == (
        {"optimizer": {"name": "adamw", "lr": 0.01, "decay": 0.5}, "width": 32},
        {"optimizer": {"name": "sgd", "lr": lr}, "width": 16},
    )
    tuner.load_study("added", spec=spec()).resume(trials=5)
    assert configs()[2:4] == list(added)
    assert len(configs()) == 5


def test_what_is_left_out_has_its_default_and_is_named() -> None:
    tuner.run(spec())
    (queued,) = add_to_study(open_store(None), "added", [{"width": 16}]).configs
    assert queued.defaults == ("optimizer", "optimizer.adamw.lr", "optimizer.adamw.decay")


def test_all_mistakes_are_said_at_once_and_nothing_is_added() -> None:
    tuner.run(spec())
    with pytest.raises(ConfigurationError) as raised:
        add({"width": 16}, {"optimizer.lr": 7, "wide": 3}, {"optimizer.sgd.decay": 0.1})
    told = "\n".join(raised.value.problems)
    for part in (
        "config[1].optimizer.adamw.lr: 7 is not in",
        "config[1].wide: unknown",
        "config[2].optimizer.sgd.decay",
    ):
        assert part in told
    with pytest.raises(ConfigurationError) as raised:
        tuner.load_study("added").add([{"width": 16}], None)  # type: ignore[arg-type]
    assert raised.value.problems == ("config[0]: [{'width': 16}] is no mapping", "config[1]: None is no mapping")
    assert open_store(None).queue("added").waiting() == ()


def test_duplicates_are_said_and_left_out() -> None:
    tuner.run(spec())
    first = configs()[1]
    assert len(add({"width": 16})[0]) == 1
    added, notes = add({"width": 16}, first, {"width": 17}, {"width": 17})
    assert [each["width"] for each in added] == [17]
    assert notes[:3] == (
        "config[0] is not added: the same one waits already",
        "config[1] is not added: trial 1 has the same one",
        "config[3] is not added: the same one waits already",
    )


def test_the_rules_of_a_toml_file_are_checked_at_once(workplace: Path) -> None:
    rule = "[[rules]]\nrequire = 'width < 60'\nwhy = 'too wide'\n"
    file = workplace / "wide.toml"
    file.write_text(f"width = {{int = [16, 64]}}\n{rule}")
    asked = replace(spec(), search_space=str(file), objective=measure_width)
    tuner.run(asked)
    with pytest.raises(ConfigurationError, match="breaks the rule 'too wide'"):
        tuner.load_study("added").add({"width": 62})
    assert add({"width": 20})[1] == (
        "the study has 2 of its 2 trials; what is beyond them is tried with more trials: tuner resume added --trials 3",
    )
    file.write_text("width = {int = [16, 80]}\n")  # no longer the study's
    assert "are not stored" in add({"width": 62})[1][0]


def test_rules_that_are_not_stored_are_checked_when_it_is_to_be_tried(caplog: pytest.LogCaptureFixture) -> None:
    ruled = made().require("narrow", lambda config: config["width"] <= 48)
    study = tuner.run(spec(space=ruled))
    added, notes = add({"width": 64})
    assert len(added) == 1
    assert "the rules of the search space are not stored" in notes[0]
    with pytest.raises(ConfigurationError, match="breaks the rule 'narrow'"):
        add({"width": 60}, space=ruled)
    tuner.load_study("added", spec=spec(space=ruled)).resume(trials=3)
    assert "a configuration that was added is not tried, it breaks the rule 'narrow'" in caplog.text
    assert study.refresh().trials[2].config["width"] <= 48


def test_a_program_that_asks_is_given_what_it_or_another_one_adds() -> None:
    with tuner.create_study(SPACE, metric="score", direction="maximize", name="added", trials=4) as study:
        first = study.ask()
        assert first is not None
        (own,) = study.add({"width": 16})
        second = study.ask()
        assert second is not None
        assert second.config == own
        (other,), _ = add({"width": 17})
        study.add()  # nothing: it only looks for what others have added
        third = study.ask()
        assert third is not None
        assert third.config == other


ASKING = """
import os, signal, sys
import tuner
from tuner.storage import writer

def die(connection, study_id, keys):
    if keys:
        os.kill(os.getpid(), signal.SIGKILL)

class Dying(tuner.Callback):
    def trial_started(self, trial):
        if trial.number == 1 and sys.argv[1] == "after":
            os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "within":
    writer.remove_from_queue = die
space = tuner.SearchSpace(x=tuner.Float(0, 1))
asked = dict(metric="score", direction="maximize", name="added", trials=4, sampler="random")
with tuner.create_study(space, **asked, resume=True, callbacks=[Dying()]) as study:
    while (trial := study.ask()) is not None:
        study.tell(trial, trial.config["x"])
"""


@pytest.mark.parametrize("where", ["within", "after"])
def test_a_program_that_is_killed_while_it_takes_one_neither_loses_it_nor_tries_it_twice(where: str) -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1))
    asked = {"metric": "score", "direction": "maximize", "name": "added", "trials": 4, "sampler": "random"}
    tuner.create_study(space, **asked).close()  # type: ignore[arg-type]
    (added,), _ = add({"x": 0.25})
    Path("asking.py").write_text(ASKING)
    killed = TEMPLATE.run("asking.py", where, main=PROGRAM)
    assert killed.returncode == -9, killed.stderr
    assert len(configs()) == (1 if where == "within" else 2)  # taking it and storing its trial are one transaction
    asked_again = TEMPLATE.run("asking.py", "not", main=PROGRAM)
    assert asked_again.returncode == 0, asked_again.stderr
    assert configs()[1] == added
    assert configs().count(added) == 1
    assert len(configs()) == 4
    assert open_store(None).queue("added").waiting() == ()
