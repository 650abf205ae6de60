"""What a running study shows, on a terminal and elsewhere."""

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from terminals import terminal

from tuner import Budget, Float, Resources, SearchSpace, StudySpec, Trial
from tuner.analysis.progress import ProgressTracker, Target
from tuner.display.live import LiveTable, PlainLines, shown
from tuner.domain.config import Config
from tuner.domain.constraint import Constraint
from tuner.domain.event import Event, EventKind
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Failure, FailureReason, Report, TrialRecord, TrialState
from tuner.running.builder import build_components
from tuner.running.components import RunComponents


def train(trial: Trial) -> Iterator[dict[str, float]]:
    yield {"accuracy": trial.config["x"]}


SPEC = StudySpec(
    name="shown",
    objective=train,
    search_space=SearchSpace(x=Float(0, 1)),
    metric="accuracy",
    direction="maximize",
    budget=Budget(trials=10, epochs=5),
    resources=Resources(parallel=3, cohort=1),
)


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def assembled(spec: StudySpec = SPEC) -> RunComponents:
    return build_components(spec, Path(), StudyFolders.within(Path()))


def target(spec: StudySpec) -> Target:
    return Target(
        goal=Goal.of(spec.metric, Direction(spec.direction)),
        trials=spec.budget.trials,
        max_epochs=spec.budget.fidelity.most,
        parallel=3,
    )


def tally(spec: StudySpec = SPEC, before: Sequence[TrialRecord] = (), clock: Clock | None = None) -> ProgressTracker:
    return ProgressTracker(target(spec), before, clock or Clock())


def trial(number: int, *values: float, state: TrialState = TrialState.RUNNING, **given: Any) -> TrialRecord:
    curve = dict(enumerate(values, start=1))
    best = max(values, default=None)
    return TrialRecord(
        number=number, state=state, config=Config({"x": 0.5}), value=best, epoch=len(values), curve=curve, **given
    )


def failed(number: int, message: str) -> TrialRecord:
    return trial(number, state=TrialState.FAIL, failure=Failure(reason=FailureReason.RAISED, message=message))


def started(number: int) -> Event:
    return Event(kind=EventKind.STARTED, trial=trial(number))


def reported(number: int, *values: float) -> Event:
    return Event(kind=EventKind.REPORTED, trial=trial(number, *values))


def finished(number: int, *values: float, state: TrialState = TrialState.COMPLETE) -> Event:
    return Event(kind=EventKind.FINISHED, trial=trial(number, *values, state=state))


def drawn(progress: ProgressTracker) -> list[str]:
    """Return the lines of the live table."""
    console = Console(file=io.StringIO(), width=120)
    console.print(LiveTable(progress))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def table(events: Sequence[Event], progress: ProgressTracker | None = None) -> list[str]:
    progress = progress or tally()
    for event in events:
        progress.update(event)
    return drawn(progress)


def lines(events: Sequence[Event], progress: ProgressTracker | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=500)
    listener = PlainLines(progress or tally(), console)
    for event in events:
        listener.notify(event)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_running_trial_is_shown_with_its_epoch_and_its_latest_metric() -> None:
    header, row, *_ = table([started(4), reported(4, 0.25, 0.75, 0.5)])
    assert header.split() == ["trial", "epoch", "accuracy"]
    assert row.split()[:2] == ["4", "3/5"]
    assert row.split()[-1] == "0.5000"


def test_a_trial_that_has_measured_nothing_yet_has_a_dash() -> None:
    _, row, *_ = table([started(4)])
    assert row.split()[:2] == ["4", "0/5"]
    assert row.split()[-1] == "-"


def test_the_bar_grows_with_the_epochs() -> None:
    _, ahead, behind, *_ = table([reported(0, 0.5, 0.5, 0.5, 0.5), reported(1, 0.5)])
    assert ahead.count("━") > behind.count("━") > 0


def test_the_foremost_trial_comes_first() -> None:
    rows = table([reported(0, 0.5), reported(1, 0.5, 0.6, 0.7), reported(2, 0.5, 0.6)])[1:4]
    assert [row.split()[0] for row in rows] == ["1", "2", "0"]


def test_the_table_is_as_high_as_trials_can_run_at_a_time() -> None:
    heights = {len(table([started(number) for number in range(count)])) for count in range(4)}
    assert heights == {1 + 3 + 1}


def test_of_many_trials_the_rest_is_counted() -> None:
    rows = table([started(number) for number in range(15)])
    assert [row.split()[0] for row in rows[1:13]] == [str(number) for number in range(12)]
    assert rows[13].strip() == "and 3 more"


@pytest.mark.parametrize("kind", [EventKind.FINISHED, EventKind.SUSPENDED, EventKind.LOST, EventKind.GATHERED])
def test_a_trial_that_runs_no_more_leaves_the_table(kind: EventKind) -> None:
    rows = table([started(7), reported(7, 0.5), Event(kind=kind, trial=trial(7, 0.5))])
    assert not any(row.startswith("    7") for row in rows[1:4])


def test_a_trial_that_goes_on_from_anothers_state_stays_in_the_table() -> None:
    rows = table([reported(7, 0.5), Event(kind=EventKind.EXPLOITED, trial=trial(7, 0.5))])
    assert rows[1].split()[0] == "7"


def test_the_columns_are_aligned() -> None:
    header, *rows = table([reported(3, 0.5), reported(11, 123456.0), reported(112, 0.25, 1e-9)])[:4]
    ends = {row.rstrip().rindex(row.split()[-1]) + len(row.split()[-1]) for row in (header, *rows)}
    assert len(ends) == 1
    assert {row.index(row.split()[0]) + len(row.split()[0]) for row in (header, *rows)} == {len("trial")}


def test_the_study_is_shown_with_its_counts_and_its_best_trial() -> None:
    events = [
        finished(0, 0.5),
        finished(1, 0.75),
        finished(2, 0.875, state=TrialState.PRUNED),
        finished(3, 0.625),
        Event(kind=EventKind.FINISHED, trial=failed(4, "no")),
    ]
    study = table(events)[-1]
    assert study.startswith("5/10 trials  3 complete, 1 stopped, 1 failed  best 0.7500 (trial 1)")


def test_failures_are_counted_only_where_there_are_some() -> None:
    assert "0 complete, 0 stopped  no trial complete yet" in table([])[-1]


def test_the_smallest_value_is_the_best_where_less_is_better() -> None:
    progress = tally(replace(SPEC, direction=Direction.MINIMIZE))
    assert "best 0.2500 (trial 1)" in table([finished(0, 0.5), finished(1, 0.25), finished(2, 0.75)], progress)[-1]


def test_the_first_of_equals_is_the_best() -> None:
    assert "(trial 0)" in table([finished(0, 0.5), finished(1, 0.5)])[-1]


def test_the_time_left_is_what_the_rest_takes_at_this_pace() -> None:
    clock = Clock()
    progress = tally(clock=clock)
    clock.seconds += 30
    study = table([finished(0, 0.5), finished(1, 0.5)], progress)[-1]
    assert study.endswith("30.0 s, about 2 m 00 s left")


def test_the_time_left_is_unknown_before_the_first_trial_is_over() -> None:
    clock = Clock()
    progress = tally(clock=clock)
    clock.seconds += 30
    assert progress.left is None
    assert table([started(0)], progress)[-1].endswith("30.0 s")


def test_nothing_is_left_at_the_end() -> None:
    clock = Clock()
    progress = tally(replace(SPEC, budget=Budget(trials=1, epochs=5)), clock=clock)
    clock.seconds += 30
    assert table([finished(0, 0.5)], progress)[-1].endswith("30.0 s")


def test_a_resumed_study_counts_earlier_trials_but_not_their_pace() -> None:
    clock = Clock()
    before = [trial(number, 0.5 + number / 8, state=TrialState.COMPLETE) for number in range(4)] + [trial(4, 0.5)]
    progress = tally(before=before, clock=clock)
    clock.seconds += 30
    assert (progress.finished, progress.left) == (4, None)
    progress.update(finished(4, 0.5))
    assert progress.left == 30 * 5
    assert progress.best is before[3]


@pytest.mark.parametrize(
    ("together", "apart", "words"),
    [
        (31, "", "31 together"),
        (1, "fewer than 4 trials", "one by one: fewer than 4 trials"),
        (0, "", "no trial complete"),
    ],
)
def test_the_live_line_says_how_many_trials_train_as_one(together: int, apart: str, words: str) -> None:
    report = Report(number=0, epoch=1, metrics={"accuracy": 0.5}, together=together, apart=apart)
    event = Event(kind=EventKind.REPORTED, trial=trial(0, 0.5), report=report)
    text = " ".join(" ".join(table([event])).split())
    assert words in text
    assert together or "together" not in text


def test_a_test_counts_as_no_trial() -> None:
    progress = tally()
    progress.update(finished(0, 0.5))
    progress.update(Event(kind=EventKind.TESTED, trial=trial(0, 0.5), test_metrics={"accuracy": 0.25}))
    assert (progress.finished, progress.running) == (1, {})


def test_a_new_best_has_a_line_that_says_so() -> None:
    assert lines([started(0), reported(0, 0.5), finished(0, 0.5, 0.75)]) == [
        "[1/10] trial 0 complete at epoch 2, accuracy 0.7500, the best so far"
    ]


def test_another_trials_line_repeats_the_best() -> None:
    _, worse, stopped = lines([finished(0, 0.75), finished(1, 0.5), finished(2, 0.25, state=TrialState.PRUNED)])
    assert worse == "[2/10] trial 1 complete at epoch 1, accuracy 0.5000; best 0.7500 (trial 0)"
    assert stopped == "[3/10] trial 2 stopped at epoch 1, accuracy 0.2500; best 0.7500 (trial 0)"


def test_a_trial_that_is_stopped_before_any_is_complete_names_no_best() -> None:
    assert lines([finished(0, 0.25, state=TrialState.PRUNED)]) == ["[1/10] trial 0 stopped at epoch 1, accuracy 0.2500"]


def sized(number: int, value: float, size: float, state: TrialState = TrialState.COMPLETE) -> Event:
    measured = trial(number, value, state=state, metrics={"accuracy": value, "parameters": size})
    return Event(kind=EventKind.FINISHED, trial=measured)


def test_with_several_metrics_lines_tell_who_is_on_the_front_and_what_breaks_a_constraint() -> None:
    goal = Goal(
        metrics=("accuracy", "parameters"),
        directions=(Direction.MAXIMIZE, Direction.MINIMIZE),
        constraints=(Constraint.parse("parameters <= 1000"),),
    )
    events = [sized(0, 0.5, 500), sized(1, 0.25, 90), sized(2, 0.25, 600), sized(3, 0.75, 1001, TrialState.PRUNED)]
    progress = ProgressTracker(replace(target(SPEC), goal=goal), (), Clock())
    best = "best 0.5000 (trial 0, a front of 2)"
    assert lines(events, progress) == [
        "[1/10] trial 0 complete at epoch 1, accuracy 0.5000, parameters 500, the best so far",
        "[2/10] trial 1 complete at epoch 1, accuracy 0.2500, parameters 90, on the Pareto front",
        f"[3/10] trial 2 complete at epoch 1, accuracy 0.2500, parameters 600; {best}",
        f"[4/10] trial 3 stopped at epoch 1, accuracy 0.7500, parameters 1001, breaks parameters <= 1000; {best}",
    ]


def test_a_failure_has_a_line_with_its_reason() -> None:
    failure = Event(kind=EventKind.FINISHED, trial=failed(3, "ValueError: no such layer"))
    assert lines([failure]) == ["[1/10] trial 3 failed: ValueError: no such layer"]


def test_an_error_text_can_neither_steer_the_terminal_nor_the_markup() -> None:
    text = "\x1b[31mred\x1b]0;title\x07 [bold]words[/bold] [/]"
    (line,) = lines([Event(kind=EventKind.FINISHED, trial=failed(0, text))])
    assert line == r"[1/10] trial 0 failed: \x1b[31mred\x1b]0;title\x07 [bold]words[/bold] [/]"


def test_a_trial_whose_worker_died_has_a_line() -> None:
    (line,) = lines([Event(kind=EventKind.LOST, trial=trial(6, 0.5, 0.5))])
    assert line == "trial 6 was cut off after epoch 2 and continues from there"


def test_a_large_study_prints_a_line_for_some_trials_only_and_for_every_failure() -> None:
    progress = tally(replace(SPEC, budget=Budget(trials=500, epochs=5)))
    events = [finished(0, 0.75), *(finished(number, 0.5) for number in range(1, 100))]
    events.insert(5, Event(kind=EventKind.FINISHED, trial=failed(100, "no")))
    printed = lines(events, progress)
    assert [line.split("]")[0] for line in printed] == [
        f"[{count}/500" for count in (1, 6, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
    ]


def test_without_a_terminal_a_run_is_opened_by_a_line_and_told_by_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with shown() as make:
        (listener,) = make(assembled(), ())
        listener.notify(finished(0, 0.5))
    assert capsys.readouterr().err.splitlines() == [
        "study shown: 1 parameter, 10 trials of up to 5 epochs; 3 at a time on cpu, starting ray ...",
        "[1/10] trial 0 complete at epoch 1, accuracy 0.5000, the best so far",
    ]


def test_a_study_that_goes_on_says_how_far_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    with shown() as make:
        make(assembled(), (trial(0, 0.5, state=TrialState.COMPLETE), trial(1, 0.5), trial(2)))
    assert "resuming shown: 1 trial finished, 2 continue where they were" in capsys.readouterr().err


def test_cohorts_are_announced_with_their_size(capsys: pytest.CaptureFixture[str]) -> None:
    with shown() as make:
        make(assembled(replace(SPEC, resources=Resources(parallel=2, cohort=4, share_process=True))), ())
    assert "2 cohorts at a time, of up to 4 trials: cohort = 4" in capsys.readouterr().err


def test_what_is_probably_not_meant_is_noted_first(capsys: pytest.CaptureFixture[str]) -> None:
    with shown() as make:
        make(replace(assembled(), notes=("\x1b[2Jodd",)), ())
    assert capsys.readouterr().err.splitlines()[0] == r"note: \x1b[2Jodd"


def test_a_terminal_has_a_live_table_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as end:
        with shown() as make:
            (listener,) = make(assembled(), ())
            assert isinstance(listener, LiveTable)
            listener.notify(started(0))
            listener.notify(reported(0, 0.125))
            listener.notify(finished(1, 0.875))
        received = end()
    show_cursor, erase_line = "\x1b[?25h", "\x1b[2K"
    assert "0.1250" in received
    assert "best 0.8750 (trial 1)" in received
    assert received.rindex(show_cursor) > received.index("best 0.8750")
    assert received.rindex(erase_line) > received.rindex("best 0.8750")


def test_the_live_table_ends_with_the_run_however_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as end:
        with suppress(KeyboardInterrupt), shown() as make:
            make(assembled(), ())
            raise KeyboardInterrupt
        received = end()
    assert received.index("\x1b[?25l") < received.rindex("\x1b[?25h")
