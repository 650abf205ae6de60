"""The numbers of a command's reports: which step each line is of, and which lines are none of the curve."""

import json
from collections.abc import Callable, Generator, Sequence
from typing import Any

import pytest

from tuner.domain.fidelity import EPOCHS, STEPS, TOKENS, FidelityUnit
from tuner.domain.trial import Failure, FailureReason
from tuner.execution.checkpoints import TrialCheckpoints

Start = Callable[..., Generator[Any, None, None]]
Stored = dict[int, Any]


@pytest.fixture
def curve(start: Start, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stored]:
    """Runs a program that prints these numbers, each as its metric too, and returns the metric by stored step."""

    def run(numbers: Sequence[Any], *, key: str = "epoch", max_epochs: int = 9, **given: Any) -> Stored:
        reached: list[int] = []
        advance = TrialCheckpoints.advance

        def noted(self: TrialCheckpoints, *, is_best: bool) -> None:
            reached.append(self.target)
            advance(self, is_best=is_best)

        monkeypatch.setattr(TrialCheckpoints, "advance", noted)
        lines = [json.dumps({key: number, "loss": number}) for number in numbers]
        found: Stored = {}
        trial = start(f"print({chr(10).join(lines)!r})", max_epochs=max_epochs, **given)
        for report in trial:
            if isinstance(report, Failure):
                found[0] = report
                break
            found[reached[-1]] = report["loss"]
            if reached[-1] >= max_epochs:
                break
        trial.close()
        monkeypatch.setattr(TrialCheckpoints, "advance", advance)
        return found

    return run


def saved(epoch: int) -> str:
    return f"epoch-{epoch:06d}"


@pytest.mark.parametrize(
    ("first_run", "second_run", "after"),
    [
        ([1, 2, 3], [4, 5], {4: 4, 5: 5}),
        ([1, 2, 3], [3, 4, 5], {4: 4, 5: 5}),
        ([1, 2, 3], [1, 2, 3, 4], {4: 4}),
        ([0, 1, 2], [3, 4], {4: 3, 5: 4}),
        ([0, 1, 2], [2, 3, 4], {4: 3, 5: 4}),
        ([], [3, 4, 5], {4: 4, 5: 5}),
        ([1, 2, 3], [3], {}),
    ],
)
def test_a_trial_that_continues_counts_as_its_first_run_did(
    curve: Callable[..., Stored],
    kept: Callable[[int], None],
    first_run: list[int],
    second_run: list[int],
    after: Stored,
) -> None:
    if first_run:
        assert curve(first_run) == {1: first_run[0], 2: first_run[1], 3: first_run[2]}
    kept(3)
    assert curve(second_run, recorded=3) == after


@pytest.fixture
def kept(workplace: Any) -> Callable[[int], None]:
    """Makes the checkpoint that a run continues from."""

    def make(epoch: int) -> None:
        folder = workplace / "checkpoints" / saved(epoch)
        folder.mkdir(parents=True)
        (folder / "state").write_text("state")

    return make


def test_what_an_earlier_run_has_reported_is_left_out_with_a_note(
    curve: Callable[..., Stored], kept: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    kept(3)
    curve([2, 3, 4], recorded=3)
    assert capsys.readouterr().err == (
        "tuner: epoch 2 is left out: an earlier run has reported up to epoch 3, and this one continues from there\n"
    )


@pytest.mark.parametrize("unit", [STEPS, TOKENS])
def test_a_step_is_stored_as_it_was_printed_and_0_is_before_training(
    curve: Callable[..., Stored],
    kept: Callable[[int], None],
    unit: FidelityUnit,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert curve([0, 250, 500], key="step", unit=unit, max_epochs=1000) == {250: 250, 500: 500}
    assert f"{unit.at(0)} is before training, and not a report" in capsys.readouterr().err
    kept(500)
    assert curve([500, 750, 1000], key="step", unit=unit, max_epochs=1000, recorded=500) == {750: 750, 1000: 1000}


def test_a_fraction_of_an_epoch_is_no_report_with_one_note(
    curve: Callable[..., Stored], capsys: pytest.CaptureFixture[str]
) -> None:
    assert curve([0.5, 1.0, 1.5, 2.0, "2.5", "3"]) == {1: 1.0, 2: 2.0, 3: "3"}
    assert capsys.readouterr().err == (
        "tuner: epoch 0.5 is not a whole number: lines with a fraction are not reports\n"
    )


def test_a_program_that_prints_fractions_alone_fails_with_what_to_do(curve: Callable[..., Stored]) -> None:
    failure = curve([0.25, 0.75])[0]
    assert failure.reason is FailureReason.NO_METRICS
    assert failure.message.startswith(
        "the command reported nothing: the numbers of its lines are fractions, such as 0.25; print whole ones, or "
        "lines without `epoch` and `step`: then each counts as the next one"
    )


def test_a_program_that_counts_from_0_and_prints_one_epoch_too_many_is_said_to(
    curve: Callable[..., Stored], capsys: pytest.CaptureFixture[str]
) -> None:
    assert curve([0, 1, 2, 3, 4], max_epochs=4) == {1: 0, 2: 1, 3: 2, 4: 3}
    assert capsys.readouterr().err == (
        "tuner: epoch 4 was printed after the last one: the first was 0, so 0 to 3 count as the epochs 1 to 4; where "
        "0 was measured before training, print the metric from epoch 1 on\n"
    )
    assert curve([0, 1, 2, 3], max_epochs=4) == {1: 0, 2: 1, 3: 2, 4: 3}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("number", "unit", "words"),
    [
        (1e300, EPOCHS, "0 was reported, and the largest one that a database stores is 2147483647"),
        (10**60, STEPS, "0 was reported, and the largest one that a database stores is 2147483647"),
    ],
)
def test_a_number_that_no_database_stores_fails_the_trial_in_few_words(
    curve: Callable[..., Stored], number: float, unit: FidelityUnit, words: str
) -> None:
    message = curve([number], unit=unit)[0].message
    assert words in message
    assert len(message) < 200


def test_a_long_number_before_training_is_shortened(
    curve: Callable[..., Stored], capsys: pytest.CaptureFixture[str]
) -> None:
    assert curve([-(10**60), 1]) == {1: 1}
    assert len(capsys.readouterr().err) < 200
