"""Numbers, durations, tables and errors as people and programs read them."""

import io
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import MAXIMIZED
from rich.console import Console, RenderableType

from tuner.cli._rendering import (
    answers,
    config_lines,
    duration,
    grid,
    messages,
    number,
    print_json,
    safe,
    schedule_table,
    short_config,
    show_error,
    state_text,
    trial_table,
)
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, TunerError
from tuner.domain.fidelity import STEPS
from tuner.domain.trial import Failure, FailureReason, Stage, TrialRecord, TrialState

BEGAN = datetime(2026, 1, 1)  # noqa: DTZ001 - as Optuna stores it


def trial(at: int, value: float | None, state: TrialState = TrialState.COMPLETE, **given: Any) -> TrialRecord:
    return TrialRecord(number=at, state=state, config=Config({"x": 0.5}), value=value, epoch=3, **given)


def printed(thing: RenderableType) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(thing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        (0.0, "0.0000"),
        (0.98765, "0.9877"),
        (-0.98765, "-0.9877"),
        (0.001, "0.0010"),
        (0.00099, "0.00099"),
        (9999.5, "9999.5000"),
        (10000.5, "1e+04"),
        (9.0, "9.0000"),
        (10.0, "10"),
        (-1234567.0, "-1234567"),
        (1e12, "1e+12"),
        (-1234567.5, "-1.235e+06"),
        (1e-300, "1e-300"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_has_four_places_or_four_digits_and_what_was_counted_has_all(value: float | None, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0.0, "0.0 s"),
        (4.25, "4.2 s"),
        (59.9, "59.9 s"),
        (60, "1 m 00 s"),
        (119.6, "2 m 00 s"),
        (3599.4, "59 m 59 s"),
        (3599.6, "1 h 00 m"),
        (3700, "1 h 01 m"),
        (90000, "25 h 00 m"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "neutral"),
    [
        ("plain words", "plain words"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("bell\x07 back\x08 return\r tab\t null\x00", r"bell\x07 back\x08 return\r tab\t null\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("right\u202eleft", r"right\u202eleft"),
        ("two\nlines", "two\nlines"),
        ("ünïcödé 数", "ünïcödé 数"),
    ],
)
def test_control_characters_become_words(text: str, neutral: str) -> None:
    assert safe(text) == neutral


def test_what_is_made_safe_need_not_be_text() -> None:
    assert safe(12) == "12"


def test_numbers_are_aligned_to_the_right_and_names_to_the_left() -> None:
    table = grid("name", "value", right=("value",))
    table.add_row("a", "1.5")
    table.add_row("longer", "100.25")
    assert [line.rstrip() for line in printed(table)] == ["name     value", "a          1.5", "longer  100.25"]


def test_a_trials_row_has_state_value_epoch_time_and_configuration() -> None:
    took = trial(7, 0.5, started=BEGAN, finished=BEGAN + timedelta(seconds=75))
    header, row = printed(trial_table([took], MAXIMIZED))
    assert header.split() == ["trial", "state", "accuracy", "epoch", "time", "configuration"]
    assert " ".join(row.split()) == "7 COMPLETE 0.5000 3 1 m 15 s x=0.5"


def test_the_columns_of_trials_are_aligned() -> None:
    trials = [trial(7, 0.5), trial(112, -1234567.5, TrialState.PRUNED), trial(12, None, TrialState.RUNNING)]
    header, *rows = printed(trial_table(trials, MAXIMIZED))
    assert {row.index("x=0.5") for row in rows} == {header.index("configuration")}
    assert {row.index(state) for row, state in zip(rows, ("COMPLETE", "PRUNED", "RUNNING"), strict=True)} == {
        header.index("state")
    }
    ends = {row.index(value) + len(value) for row, value in zip(rows, ("0.5000", "-1.235e+06"), strict=False)}
    assert ends == {header.index("accuracy") + len("accuracy")}


def test_a_trial_that_has_measured_nothing_has_dashes() -> None:
    waiting = TrialRecord(number=0, state=TrialState.WAITING, config=Config({"x": 0.5}))
    assert printed(trial_table([waiting], MAXIMIZED))[1].split() == ["0", "WAITING", "-", "-", "-", "x=0.5"]


def test_a_failed_trial_shows_why_beside_its_configuration() -> None:
    failure = Failure(reason=FailureReason.RAISED, message="\x1b[2Jno [bold]such[/] layer [/x]")
    row = printed(trial_table([trial(0, None, TrialState.FAIL, failure=failure)], MAXIMIZED))[1]
    assert r"\x1b[2Jno [bold]such[/] layer [/x]" in row
    assert "x=0.5" in row


def test_trials_that_went_on_from_others_say_from_whom_and_when() -> None:
    own = Config({"x": 0.5})
    schedule = (Stage(epoch=0, config=own), Stage(epoch=2, config=own, source=4), Stage(epoch=4, config=own, source=6))
    header, moved, stayed = printed(trial_table([trial(0, 0.5, schedule=schedule), trial(1, 0.5)], MAXIMIZED))
    assert "continued from" in header
    assert "4 at 2, 6 at 4" in moved
    assert stayed[header.index("continued from") :].startswith("- ")


def test_a_schedule_has_a_row_for_every_configuration_from_the_epoch_it_trained_first() -> None:
    first, second = Config({"x": 0.5}), Config({"x": 0.25})
    schedule = (Stage(epoch=0, config=first), Stage(epoch=2, config=second, source=4))
    rows = printed(schedule_table(trial(0, 0.5, schedule=schedule)))
    assert [row.split() for row in rows[1:]] == [["1", "-", "x=0.5"], ["3", "4", "x=0.25"]]


def test_a_schedule_counts_in_the_studys_unit() -> None:
    own = Config({"x": 0.5})
    stages = (Stage(epoch=0, config=own), Stage(epoch=2000, config=own, source=4))
    header, *rows = printed(schedule_table(trial(0, 0.5, schedule=stages), STEPS))
    assert header.startswith("from step")
    assert [row.split()[0] for row in rows] == ["1", "2,001"]


@pytest.mark.parametrize("state", list(TrialState))
def test_every_state_is_shown_by_its_name_in_a_colour(state: TrialState) -> None:
    text = state_text(state)
    assert text.plain == state.value
    assert text.style


def test_a_configuration_is_short_on_one_line() -> None:
    config = {"model": {"name": "mlp", "width": 64, "lr": 0.000123456}, "loss": {"name": "hinge"}, "batch": 32}
    assert short_config(config) == "mlp(width=64, lr=0.0001235) hinge batch=32"


def test_a_branch_in_a_branch_is_short_too() -> None:
    assert short_config({"model": {"name": "cnn", "pool": {"name": "max", "size": 2}}}) == "cnn(pool=max(size=2))"


def test_a_branch_is_indented_under_its_choice() -> None:
    config = {"batch": 32, "model": {"name": "cnn", "pool": {"name": "max", "size": 2}}}
    assert [*config_lines(config)] == [("batch", "32"), ("model", "cnn"), ("  pool", "max"), ("    size", "2")]


def test_values_of_a_configuration_cannot_steer_the_terminal() -> None:
    assert [*config_lines({"word": "\x1b[2J"})] == [("word", r"\x1b[2J")]
    assert short_config({"word": "\x1b[2J"}) == r"word=\x1b[2J"


def test_what_goes_into_a_pipe_is_neither_wrapped_nor_cut(capsys: pytest.CaptureFixture[str]) -> None:
    answers().print("word " * 90)
    messages().print("word " * 90)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == len(err.splitlines()) == 1
    assert out.count("word") == err.count("word") == 90


def test_answers_go_to_stdout_and_messages_to_stderr_without_colours(capsys: pytest.CaptureFixture[str]) -> None:
    answers().print("[red]answer[/]")
    messages().print("[red]message[/]")
    assert capsys.readouterr() == ("answer\n", "message\n")


def test_json_keeps_text_and_shows_what_it_has_no_form_for(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": '\x1b[31m"quoted"\n', "at": BEGAN, "path": Path("a/b")})
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert json.loads(out) == {"name": '\x1b[31m"quoted"\n', "at": "2026-01-01 00:00:00", "path": "a/b"}


def test_one_mistake_is_a_line_with_a_hint_under_it(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(TunerError("no study 'a'", hint="tuner list\nshows them"))
    assert capsys.readouterr() == ("", "error: no study 'a'\n  tuner list\n  shows them\n")


def test_several_mistakes_are_counted_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(ConfigurationError(["metric: none", "seed: not a number"]))
    assert capsys.readouterr().err == "error: 2 mistakes\n  - metric: none\n  - seed: not a number\n"


@pytest.mark.parametrize("count", [1, 2])
def test_mistakes_cannot_steer_the_terminal(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    show_error(ConfigurationError(["\x1b[2J[bold]no[/x]"] * count, hint="\x1b[2Jtry"))
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.count(r"\x1b[2J[bold]no[/x]") == count
    assert r"  \x1b[2Jtry" in err


@pytest.mark.parametrize("make", [answers, messages])
def test_a_console_whose_reader_has_gone_goes_silent(make: Any) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        console = make()
        console.file = stream
        console.print("nobody reads this")
        console.print("nor this")
    assert console.quiet
