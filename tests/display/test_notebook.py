"""Studies in a notebook: in a real kernel, and what its cells are told."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config as Traits

import tuner
from tuner.display.live import live_table
from tuner.display.notebook import Cell, is_notebook, watching
from tuner.domain.config import Config
from tuner.domain.event import Event, EventKind
from tuner.domain.study import Confirm
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Failure, FailureReason
from tuner.running.builder import build_components

pytestmark = pytest.mark.usefixtures("workplace")

SETUP = """
import tuner

def train(trial):
    for epoch in range(trial.epoch, trial.max_epochs):
        yield {"score": trial.config["x"] * (epoch + 1), "<b>loss</b>": 1.0}

spec = tuner.StudySpec(objective=train, search_space=tuner.SearchSpace(x=tuner.Float(0, 1)), metric="score",
                       name="mine", budget=tuner.Budget(trials=6, epochs=3), executor="inline")
"""


def outputs(*cells: str) -> list[list[dict[str, Any]]]:
    """Run the cells in a kernel of their own, and return what each of them shows in the end."""
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=made)  # type: ignore[no-untyped-call]
    config = Traits({"KernelManager": {"transport": "ipc"}})
    NotebookClient(notebook, timeout=None, kernel_name="python3", config=config).execute()
    return [[dict(output) for output in cell["outputs"]] for cell in notebook.cells]


def html(output: dict[str, Any]) -> str:
    return str(output["data"]["text/html"])


def test_a_notebook_shows_progress_studies_and_trials(workplace: Path) -> None:
    _, ran, resumed, quiet, study, trial, shell = outputs(
        SETUP,
        "study = tuner.run(spec)",
        "study = study.resume(trials=8)",
        "_ = study.resume(trials=9, progress=False)",
        "study.refresh()",
        "study.best_trial",
        "print(tuner.display.notebook.is_notebook())",
    )
    assert [output["output_type"] for output in ran] == ["display_data"]
    assert "study mine: 1 parameter, 6 trials of up to 3 epochs" in html(ran[0])
    assert "6/6 trials" in html(ran[0])
    assert "6/6 trials" in ran[0]["data"]["text/plain"]
    assert "resuming mine: 6 trials finished" in html(resumed[0])
    assert "8/8 trials" in html(resumed[0])
    assert quiet == []
    assert "9 of 9 trials finished" in html(study[0])
    assert "&lt;b&gt;loss&lt;/b&gt;" in html(study[0])
    best = tuner.load_study("mine").best_trial
    assert f"<b>trial {best.number}</b>" in html(trial[0])
    assert [output["text"] for output in shell] == ["True\n"]


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.epoch, trial.max_epochs):
        yield {"score": trial.config["x"] * (epoch + 1) + trial.seed % 7 / 1000}


def spec(**given: Any) -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=train,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="score",
        name="mine",
        budget=tuner.Budget(trials=6, epochs=3),
        executor="inline",
        **given,
    )


def test_a_script_shows_nothing_unless_it_is_asked_to(capfd: pytest.CaptureFixture[str]) -> None:
    assert not is_notebook()
    study = tuner.run(spec())
    assert capfd.readouterr() == ("", "")
    study.resume(trials=7, progress=True)
    told = capfd.readouterr()
    assert told.out == ""
    assert "resuming mine: 6 trials finished" in told.err
    with watching(progress=None) as listeners:
        assert listeners is None


class Display:
    """Stands for the place that IPython gives a cell's output."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def __call__(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> "Display":
        assert raw
        assert display_id
        self.shown.append(bundle)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


def test_a_cell_is_drawn_a_few_times_a_second_and_once_more_at_the_end() -> None:
    display, now = Display(), [0.0]
    components = build_components(spec(), Path(), StudyFolders.within(Path()))
    cell = Cell(["before it"], live_table(components, ()), display, lambda: now[0])
    trial = tuner.TrialRecord(number=3, state=tuner.TrialState.RUNNING, config=Config({"x": 0.5}))
    for _ in range(100):
        now[0] += 0.01
        cell.notify(Event(kind=EventKind.STARTED, trial=trial))
    assert 4 <= len(display.shown) <= 5
    now[0] += 1
    cell.warned("<script>alert(1)</script>")
    cell.waits(3, "it is locked")
    now[0] += 1
    cell.recovered(2)
    cell.close()
    assert "<script>" not in display.shown[-1]["text/html"]
    assert "&lt;script&gt;" in display.shown[-1]["text/html"]
    assert "waiting for the storage, 3 s: it is locked" in display.shown[-1]["text/plain"]
    assert "recovered: 2 reports" in display.shown[-1]["text/plain"]
    assert all("before it" in each["text/html"] for each in display.shown)


def test_what_strangers_wrote_is_shown_as_it_is() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    failure = Failure(reason=FailureReason.RAISED, message=hostile)
    record = tuner.TrialRecord(
        number=1, state=tuner.TrialState.FAIL, config=Config({hostile: hostile}), failure=failure
    )
    measured = replace(record, failure=None, value=0.5, epoch=2, curve={2: 0.5}, metrics={hostile: 0.5})
    for shown in (record._repr_html_(), measured._repr_html_()):
        assert "<img" not in shown
        assert "&lt;img src=x onerror=alert(1)&gt;" in shown


def confirmations() -> Sequence[Confirm]:
    return (Confirm(run=False), Confirm(run=True, top=2, seeds=2))


@pytest.mark.parametrize("confirm", confirmations(), ids=["as it was found", "confirmed"])
def test_a_study_shows_its_answer_and_how_sure_it_is(confirm: Confirm) -> None:
    study = tuner.run(spec(confirm=confirm))
    shown = study._repr_html_()
    assert f"trial {study.best_trial.number}" in shown
    assert ("95 % interval with another seed" in shown) == bool(confirm.run)
    assert "6 of 6 trials finished" in shown
    assert shown.count("<tr>") >= 1 + 5


def failing(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    raise RuntimeError("no such layer")
    yield {}


def test_a_study_without_a_usable_trial_says_so() -> None:
    asked = replace(spec(), objective=failing)
    with pytest.raises(tuner.TooManyFailuresError):
        tuner.run(asked, name="failing")
    assert "no usable trial yet" in tuner.load_study("failing")._repr_html_()
