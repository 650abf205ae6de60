"""How a study ended, in words and as JSON, and what every command prints as JSON."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import MAXIMIZED, described, metrics

from tuner import Choice, Float, SearchSpace
from tuner.analysis.queries import summarise
from tuner.cli._run_summary import conclude, counts_text, summary_json
from tuner.domain.errors import NoUsableTrialError
from tuner.domain.goal import Goal
from tuner.domain.new_study import NewStudy
from tuner.domain.run_controller import StopCause
from tuner.domain.study import Direction
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Failure, FailureReason, Report, Stage, TrialRecord, TrialState
from tuner.running.session import now
from tuner.storage.store import Store, open_store

Cli = Callable[..., tuple[int, str, str]]

SPACE = SearchSpace(x=Float(0, 1), shape=Choice(flat={}, steep={"slope": Float(1, 4)}))

SUMMARY_KEYS = [
    "study", "metric", "direction", "metrics", "directions", "constraints", "target", "finished", "states", "best",
    "front", "default_value", "gain", "expected_gain", "test_metrics", "tested", "confirmation", "model", "epochs",
    "violating", "batching",
]  # fmt: skip
TRIAL_KEYS = ["number", "state", "value", "values", "epoch", "config", "metrics"]


@pytest.fixture
def store(workplace: Path) -> Store:
    return open_store(None)


def trial(number: int, *values: float, state: TrialState = TrialState.COMPLETE, **given: Any) -> TrialRecord:
    curve = dict(enumerate(values, start=1))
    best = max(curve, key=lambda epoch: curve[epoch], default=0)
    return TrialRecord(
        number=number,
        state=state,
        config=SPACE.at(dict.fromkeys(SPACE.parameters, (number + 0.5) / 8)),
        curve=curve,
        value=curve.get(best),
        epoch=best,
        metrics=metrics(curve[best]) if curve else {},
        started=now(),
        finished=now() if state.is_finished else None,
        **given,
    )


def failed(number: int, message: str = "ValueError: no such layer") -> TrialRecord:
    failure = Failure(reason=FailureReason.RAISED, message=message)
    return replace(trial(number, state=TrialState.FAIL), failure=failure)


def fill(
    store: Store, *trials: TrialRecord, name: str = "s", direction: Direction = Direction.MAXIMIZE, **notes: Any
) -> None:
    goal = Goal.of("accuracy", direction)
    store.create(NewStudy(name=name, goal=goal, space=SPACE, spec=described(goal, 8), source={}))
    with store.holding(name) as writer:
        for each in trials:
            begun = replace(each, state=TrialState.RUNNING, failure=None, finished=None)
            writer.begin([begun])
            for epoch, value in each.curve.items():
                writer.write(
                    [TrialUpdate(trial=begun, report=Report(number=each.number, epoch=epoch, metrics=metrics(value)))]
                )
            writer.write([TrialUpdate(trial=each)])
            if each.schedule:
                writer.reschedule([each])
        for key, value in notes.items():
            writer.annotate(key, value)


def every_kind() -> tuple[TrialRecord, ...]:
    return (
        trial(0, 0.25, 0.5),
        trial(1, 0.5, 0.75, 0.625),
        trial(2, 0.125, state=TrialState.PRUNED),
        failed(3),
        trial(4, 0.25, state=TrialState.RUNNING),
    )


def nan_is_refused(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


def read(text: str) -> Any:
    """Return what the text says, which has to be JSON in the strict sense."""
    return json.loads(text, parse_constant=nan_is_refused)


def concluded(cause: StopCause | None, capsys: pytest.CaptureFixture[str], *, as_json: bool = False) -> str:
    conclude("s", None, cause, as_json=as_json)
    return capsys.readouterr().out


def test_the_end_of_a_run_tells_the_best_what_was_done_and_the_next_command(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, *every_kind())
    answer = concluded(None, capsys)
    assert "best accuracy 0.7500  trial 1, epoch 2  +0.2500 over the default configuration's 0.5000" in answer
    assert "4 trials: 2 complete, 1 stopped early, 1 failed, 1 interrupted; 7 epochs trained" in answer
    assert "1 failed with: ValueError: no such layer" in answer
    assert answer.splitlines()[-1] == "next: tuner best s --top 5"
    assert "the time is up" not in answer


def test_a_run_whose_time_was_up_says_how_to_go_on(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    fill(store, *every_kind())
    assert "the time is up; continue with: tuner resume s" in concluded(StopCause.TIME, capsys)


def test_a_study_in_another_place_is_told_with_its_place(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(workplace / "elsewhere.db")
    fill(open_store(place), *every_kind())
    conclude("s", place, None, as_json=False)
    assert f"tuner best s --top 5 --storage {place}" in capsys.readouterr().out


def test_the_default_configuration_that_nothing_beats_is_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    fill(store, trial(0, 0.75), trial(1, 0.5))
    assert "the default configuration: no trial beat it" in concluded(None, capsys)


def test_no_gain_is_told_where_the_default_configuration_failed(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, failed(0), trial(1, 0.5))
    assert "default configuration" not in concluded(None, capsys)


def test_what_the_best_is_worth_on_unseen_data_stands_beside_what_it_was_chosen_by(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, trial(0, 0.75), test={"number": 0, "metrics": {"accuracy": 0.625, "loss": 0.375}})
    table = concluded(None, capsys).splitlines()
    (header,) = [line for line in table if "validation" in line]
    (row,) = [line for line in table if "accuracy  " in line]
    assert header.split()[-3:] == ["metric", "validation", "test"]
    assert row.split()[-3:] == ["accuracy", "0.7500", "0.6250"]


def test_a_test_that_failed_is_told_without_what_could_steer_a_terminal(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, trial(0, 0.75), test={"number": 0, "failure": "OSError: \x1b[2J[bold]gone[/]"})
    assert r"the test failed: OSError: \x1b[2J[bold]gone[/]" in concluded(None, capsys)


def test_the_three_commonest_failures_are_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    messages = ["a", "b", "b", "c", "c", "c", "d", "d", "d", "d"]
    fill(store, trial(0, 0.5), *(failed(number, message) for number, message in enumerate(messages, start=1)))
    told = [line for line in concluded(None, capsys).splitlines() if "failed with" in line]
    assert told == ["4 failed with: d", "3 failed with: c", "2 failed with: b"]


def test_a_run_without_a_complete_trial_answers_and_then_fails(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, failed(0), failed(1))
    with pytest.raises(
        NoUsableTrialError, match="no trial of study 's' is complete; 2 failed with: ValueError"
    ) as raised:
        conclude("s", None, None, as_json=True)
    assert raised.value.hint == "tuner trials s --state fail shows them all"
    answer = read(capsys.readouterr().out)
    assert (answer["best"], answer["states"]["FAIL"]) == (None, 2)


def test_states_that_no_trial_is_in_are_not_counted(store: Store) -> None:
    fill(store, trial(0, 0.5), trial(1, 0.5, state=TrialState.RUNNING))
    assert counts_text(summarise(*store.read("s"))) == "1 complete, 1 running"


@pytest.mark.parametrize(
    ("trials", "notes"),
    [
        ((), {}),
        ((failed(0),), {}),
        (every_kind(), {}),
        (every_kind(), {"test": {"number": 1, "metrics": {"accuracy": 0.5}}}),
    ],
)
def test_a_summary_has_the_same_keys_whatever_was_done(
    trials: tuple[TrialRecord, ...], notes: Mapping[str, Any], store: Store
) -> None:
    fill(store, *trials, **notes)
    summary = summary_json(summarise(*store.read("s")))
    assert list(summary) == SUMMARY_KEYS
    assert list(summary["states"]) == [state.value for state in TrialState]


def test_status_and_list_print_the_summary_that_a_run_ends_with(
    store: Store, cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, *every_kind())
    ended = read(concluded(None, capsys, as_json=True))
    assert list(ended) == SUMMARY_KEYS
    assert read(cli("status", "s", "--json")[1]) == {**ended, "runs_in": None}
    assert read(cli("list", "--json")[1]) == [ended]


def test_best_prints_the_documented_keys(store: Store, cli: Cli) -> None:
    fill(store, *every_kind())
    answer = read(cli("best", "s", "--top", "5", "--json")[1])
    assert list(answer) == ["study", "direction", "metric", "directions", "metrics", "constraints", "trials"]
    assert [list(each) for each in answer["trials"]] == [TRIAL_KEYS] * 2
    assert [each["number"] for each in answer["trials"]] == [1, 0]


def test_trials_print_the_documented_keys_and_failed_ones_their_reason(store: Store, cli: Cli) -> None:
    fill(store, *every_kind())
    trials = read(cli("trials", "s", "--json")[1])
    assert {each["state"]: list(each) for each in trials} == {
        "COMPLETE": TRIAL_KEYS,
        "PRUNED": TRIAL_KEYS,
        "FAIL": [*TRIAL_KEYS, "reason", "message"],
        "WAITING": TRIAL_KEYS,
    }
    assert trials[1]["config"] == every_kind()[1].config


def test_a_study_without_trials_is_valid_json_everywhere(store: Store, cli: Cli) -> None:
    fill(store)
    assert read(cli("status", "s", "--json")[1])["finished"] == 0
    assert read(cli("list", "--json")[1])[0]["best"] is None
    assert read(cli("trials", "s", "--json")[1]) == []


def test_status_of_a_study_that_has_not_begun_says_so(store: Store, cli: Cli) -> None:
    fill(store)
    _, answer, _ = cli("status", "s")
    assert "0 of 8 trials finished" in answer
    assert "nothing was run yet" in answer
    assert "no trial is complete yet" in answer


def test_less_is_better_where_the_study_is_to_minimise(store: Store, cli: Cli) -> None:
    fill(store, trial(0, 0.5), trial(1, 0.25), trial(2, 0.75), direction=Direction.MINIMIZE)
    summary = read(cli("status", "s", "--json")[1])
    assert (summary["best"]["number"], summary["gain"]) == (1, 0.25)


def test_the_list_is_aligned(store: Store, cli: Cli) -> None:
    fill(store, trial(0, 0.5), name="a")
    fill(store, *every_kind(), name="a-longer-name")
    header, first, second = cli("list")[1].splitlines()
    assert {line.index("accuracy") for line in (first, second)} == {header.index("metric")}
    ends = {first.index("1/8"), second.index("4/8")}
    assert ends == {header.index("trials") + len("trials") - 3}


def test_a_failed_trials_text_cannot_steer_the_terminal(store: Store, cli: Cli) -> None:
    fill(store, trial(0, 0.5), failed(1, "\x1b[2J[bold]no[/x]"))
    for words in (["trials", "s"], ["trials", "s", "--state", "fail"]):
        _, answer, _ = cli(*words)
        assert r"\x1b[2J[bold]no[/x]" in answer
        assert "\x1b" not in answer


def test_values_cannot_become_formulas_in_a_spreadsheet(store: Store, cli: Cli) -> None:
    space = SearchSpace(cell=Choice("=1+1", "@x", "plain"))
    store.create(NewStudy(name="s", goal=MAXIMIZED, space=space, spec={}, source={}))
    configs = [space.at({"cell": position}) for position in (0.1, 0.5, 0.9)]
    with store.holding("s") as writer:
        writer.begin(
            [TrialRecord(number=n, state=TrialState.RUNNING, config=config) for n, config in enumerate(configs)]
        )
    rows = cli("trials", "s", "--format", "csv")[1].splitlines()[1:]
    assert [row.split(",")[5] for row in rows] == ["'=1+1", "'@x", "plain"]


def test_a_trial_that_went_on_from_another_prints_its_configurations(store: Store, cli: Cli) -> None:
    first, second = SPACE.default, SPACE.at(dict.fromkeys(SPACE.parameters, 0.9))
    schedule = (Stage(epoch=0, config=first), Stage(epoch=1, config=second, source=0))
    fill(store, trial(0, 0.5), trial(1, 0.5, 0.75, schedule=schedule))
    (best,) = read(cli("best", "s", "--json")[1])["trials"]
    assert best["schedule"] == [
        {"epoch": 0, "source": None, "config": first},
        {"epoch": 1, "source": 0, "config": second},
    ]
    assert "of trial" in cli("best", "s")[1]


def test_status_says_who_runs_the_study_and_how_to_go_on_when_nobody_does(store: Store, cli: Cli) -> None:
    fill(store, trial(0, 0.25))
    assert "no process runs it; continue with: tuner resume s" in cli("status", "s")[1]
    with store.holding("s"):
        assert f"runs now, in process {os.getpid()} on " in cli("status", "s")[1]
        assert read(cli("status", "s", "--json")[1])["runs_in"].startswith(f"process {os.getpid()} on ")
