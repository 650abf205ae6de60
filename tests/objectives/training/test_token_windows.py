from pathlib import Path

import numpy as np
import pytest
import torch

from tuner.objectives.text.token_cache import TokenPart
from tuner.objectives.training.seeding import of_epoch
from tuner.objectives.training.token_windows import TokenFile, TokenWindows, evaluation_windows

COUNT = 1000


@pytest.fixture
def part(tmp_path: Path) -> TokenPart:
    np.arange(COUNT + 50, dtype=np.uint16).tofile(tmp_path / "train.bin")
    return TokenPart(file=tmp_path / "train.bin", dtype="uint16", begin=50, count=COUNT)


def windows(part: TokenPart, **given: object) -> TokenWindows:
    return TokenWindows(TokenFile(part), context=4, device="cpu", **{"steps": 3, **given})  # type: ignore[arg-type]


def order(shown: TokenWindows, seed: int, epoch: int) -> list[int]:
    found: list[int] = shown.order(seed, epoch, 5, of_epoch(seed, epoch)).tolist()
    return found


def test_a_batch_depends_on_the_seed_and_the_step_only(part: TokenPart) -> None:
    whole = order(windows(part, steps=6), 7, 0)
    assert [*order(windows(part), 7, 0), *order(windows(part), 7, 1)] == whole
    assert order(windows(part), 7, 0) == order(windows(part), 7, 0)
    assert order(windows(part), 8, 0) != order(windows(part), 7, 0)
    assert len(whole) == 30


def test_a_window_is_its_context_and_the_token_behind_it(part: TokenPart) -> None:
    found = windows(part).inputs(torch.tensor([[0, 3], [10, COUNT - 5]]))
    assert found.shape == (2, 2, 5)
    assert found[0, 1].tolist() == [53, 54, 55, 56, 57]
    assert found[1, 1, -1] == COUNT + 49
    assert max(order(windows(part, steps=500), 1, 0)) <= COUNT - 5


def test_documents_that_are_left_out_are_in_no_window(part: TokenPart) -> None:
    lengths = np.array([100, 200, 300, 400])
    shown = windows(part, lengths=lengths, kept=np.array([True, False, True, False]), steps=300)
    assert len(shown) == 400
    seen = shown.inputs(shown.order(1, 0, 5, of_epoch(1, 0)))
    kept = {*range(50, 150), *range(350, 650)}
    assert set(seen.flatten().tolist()) <= kept
    assert shown.inputs(torch.tensor([98]))[0].tolist() == [148, 149, 350, 351, 352]


def test_windows_to_measure_do_not_overlap_and_are_spread_over_the_part(part: TokenPart) -> None:
    examples = evaluation_windows(part, context=9, most=200, bytes_per_token=4.0, device="cpu")
    predicted = examples.features[:, 1:].flatten().tolist()
    assert len(predicted) == len(set(predicted)) == 22 * 9
    assert min(predicted) == 51
    assert max(predicted) > COUNT
    assert examples.measured.tolist() == [4.0] * 22
