"""A few steps of a language model say how large its activations get, and what training it holds."""

from pathlib import Path
from typing import Any

import pytest
from memory_checkpoints import InMemory

from tuner.domain.config import Config
from tuner.domain.size_probe import SizeProbe
from tuner.domain.trial import Trial
from tuner.objectives.language import Language

DOCS = Path(__file__).parents[3] / "docs"
SETTINGS = {"dataset": str(DOCS), "context": 16, "depth": 2, "head_size": 8, "base_width": 16, "evaluation_tokens": 512}


def probe(steps: int = 3, **settings: Any) -> SizeProbe:
    config = {"optimizer": {"name": "adamw", "lr": 0.01}, "batch_size": 8}
    trial = Trial(
        config=Config(config), number=0, seed=1, device="cpu", epoch=0, max_epochs=3, settings=Config({}),
        checkpoints=InMemory(),
    )  # fmt: skip
    return Language({**SETTINGS, **settings}, seed=1).probe(trial, steps)


def test_a_size_that_is_not_trained_has_its_weights_counted() -> None:
    assert probe(steps=0, width=32) == SizeProbe(weights=probe(width=32).weights, epoch_steps=50)
    assert probe(steps=0, width=2**14).weights > 10**9  # 4 GiB of numbers, of which none is made


def test_training_holds_weights_gradients_and_two_numbers_a_weight_for_adam() -> None:
    found = probe(width=32)
    assert found.state_bytes == pytest.approx(16 * found.weights, rel=0.01)
    assert found.epoch_steps == 50
    assert found.seconds > 0


def test_micro_batches_and_activations_computed_again_hold_less() -> None:
    whole, parts, again = (
        probe(width=32, depth=6, **more).step_bytes
        for more in ({}, {"micro_batch": 2}, {"recompute_activations": True})
    )
    assert parts == pytest.approx(whole / 4, rel=0.1)
    assert again < whole / 2


def test_steps_move_hidden_activations_of_wider_models_more_where_rates_do_not_follow_the_width() -> None:
    moved = {}
    for parametrisation in ("standard", "mup"):
        narrow, wide = (probe(width=width, parametrisation=parametrisation).activations for width in (16, 128))
        moved[parametrisation] = wide["hidden"][1] / narrow["hidden"][1]
    assert moved["mup"] == pytest.approx(1.0, abs=0.25)
    assert moved["standard"] > 1.5
