"""Language models in cohorts: each member has the learning curve that it has alone, whatever its optimizer."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from memory_checkpoints import InMemory
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from tuner.domain.config import Config
from tuner.domain.objective import Cohort
from tuner.domain.trial import Metrics, Trial
from tuner.objectives._components import PARAMETRISATIONS, PARTS
from tuner.objectives.language import Language
from tuner.objectives.text.token_cache import cache_folder

DOCS = Path(__file__).parents[3] / "docs"
SETTINGS = {
    "dataset": str(DOCS),
    "context": 16,
    "width": 32,
    "depth": 1,
    "head_size": 8,
    "base_width": 8,
    "base_depth": 1,
    "steps": 4,
    "evaluation_tokens": 512,
}
NUMBERS: Mapping[str, tuple[Any, Any]] = {
    "lr": (0.002, 0.006),
    "momentum": (0.5, 0.9),
    "nesterov": (True, False),
    "weight_decay": (0.01, 0.1),
    "beta1": (0.8, 0.95),
    "beta2": (0.99, 0.9),
    "clip": (0.0, 0.5),
}


def trial(number: int, config: Mapping[str, Any]) -> Trial:
    return Trial(
        config=Config(config),
        number=number,
        seed=number,
        device="cpu",
        epoch=0,
        max_epochs=3,
        settings=Config({}),
        checkpoints=InMemory(),
    )


def config(optimizer: str, index: int) -> dict[str, Any]:
    fields = {name: NUMBERS[name][index] for name in PARTS["optimizer"].fields(optimizer)}
    return {
        "architecture": {"name": "decoder", "init": (1.0, 0.7)[index], "out": (1.0, 2.0)[index]},
        "optimizer": {"name": optimizer, **fields},
        "lr_schedule": {"name": "wsd", "warmup_steps": (0, 3)[index], "decay": (0.3, 0.6)[index]},
        "duplicates": ("keep", "near")[index],
        "max_repetition": (1.0, 0.1)[index],
        "batch_size": 4,
    }


def curve(cohort: Cohort, epochs: int = 2) -> dict[int, list[Metrics]]:
    found: dict[int, list[Metrics]] = {}
    for _ in range(epochs):
        for number, metrics in cohort.advance().items():
            assert isinstance(metrics, Mapping)
            found.setdefault(number, []).append(metrics)
    return found


@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS.names)
def test_a_member_of_a_cohort_is_the_same_trial_alone_to_five_digits(parametrisation: str) -> None:
    """Under every optimizer, with rates by tensor, filters, initial weights and schedules of its own."""
    objective = Language({**SETTINGS, "parametrisation": parametrisation}, seed=1)
    configs = [config(name, index) for name in PARTS["optimizer"].names for index in (0, 1)]
    trials = [trial(number, each) for number, each in enumerate(configs)]
    cohort = objective.start(trials)
    together = curve(cohort)
    assert cohort.together() == (len(trials), "")
    for each in trials:
        alone = curve(objective.start([each]))[each.number]
        for mine, other in zip(together[each.number], alone, strict=True):
            assert mine["bits_per_byte"] == pytest.approx(other["bits_per_byte"], rel=1e-5), each.config
            assert mine["perplexity"] == pytest.approx(other["perplexity"], rel=2e-5)


def test_bits_per_byte_perplexity_and_loss_say_the_same_of_bytes() -> None:
    (metrics,) = curve(Language(SETTINGS, seed=1).start([trial(0, {})]), 1)[0]
    assert metrics["perplexity"] == pytest.approx(math.exp(metrics["loss"]), rel=1e-5)
    assert metrics["bits_per_byte"] == pytest.approx(metrics["loss"] / math.log(2), rel=0.02)  # the ends of documents
    assert 0 <= metrics["token_accuracy"] <= 1


def test_an_untrained_model_is_as_good_as_guessing_and_training_is_better() -> None:
    objective = Language({**SETTINGS, "steps": 40}, seed=1)
    still = {"optimizer": {"name": "adamw", "lr": 0.0}, "architecture": {"name": "decoder", "out": 0.0}}
    guessing = curve(objective.start([trial(0, still)]), 1)
    assert guessing[0][0]["perplexity"] == pytest.approx(256, rel=1e-4)
    learned = curve(objective.start([trial(0, {"optimizer": {"name": "adamw", "lr": 0.02}})]), 1)
    assert learned[0][0]["perplexity"] < 60


def test_the_test_part_is_measured_with_the_saved_weights() -> None:
    objective = Language(SETTINGS, seed=1)
    member = trial(0, {"optimizer": {"name": "adamw", "lr": 0.01}})
    cohort = objective.start([member])
    curve(cohort, 1)
    cohort.save([0])
    tested = objective.test(member)
    assert tested is not None
    assert math.isfinite(tested["bits_per_byte"])
    assert Language({**SETTINGS, "test": 0}, seed=1).test(member) is None


def test_filters_change_what_is_trained_on_and_never_what_is_measured() -> None:
    objective = Language(SETTINGS, seed=1)
    for lr, is_same in ((0.0, True), (0.01, False)):
        optimizer = {"name": "adamw", "lr": lr}
        plain, filtered = (
            curve(objective.start([trial(0, {"optimizer": optimizer, "min_length": length})]), 1)[0][0]
            for length in (0, 5000)
        )
        assert (plain == filtered) is is_same


def test_filters_that_leave_nothing_fail_with_what_they_leave() -> None:
    with pytest.raises(ValueError, match="the filters leave 0 tokens"):
        Language(SETTINGS, seed=1).start([trial(0, {"min_length": 10**9})])


ADAMW = {"optimizer": {"name": "adamw", "lr": 0.01}, "batch_size": 6}


def test_a_step_in_micro_batches_is_the_step_of_the_whole_batch() -> None:
    (whole,), (parts,) = (
        curve(Language({**SETTINGS, **more}, seed=1).start([trial(0, ADAMW)]), 1).values()
        for more in ({}, {"micro_batch": 4})  # 4 windows and then 2, of which each counts the same
    )
    assert parts[0]["bits_per_byte"] == pytest.approx(whole[0]["bits_per_byte"], rel=1e-6)


def held_activations(**settings: Any) -> tuple[float, int]:
    """Return the bits per byte after an epoch, and the largest number of bytes that one forward pass keeps."""
    kept: list[int] = [0]

    def keep(tensor: Tensor) -> Tensor:
        kept[-1] += tensor.nbytes
        return tensor

    cohort = Language({**SETTINGS, "depth": 6, "steps": 1, **settings}, seed=1).start([trial(0, ADAMW)])
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        (metrics,) = curve(cohort, 1)[0]
    return metrics["bits_per_byte"], kept[-1]


def test_activations_that_are_computed_again_are_not_held_and_change_nothing() -> None:
    metric, held = held_activations()
    metric_again, held_again = held_activations(recompute_activations=True)
    assert metric_again == pytest.approx(metric, rel=1e-6)
    assert held_again < held / 2


@pytest.mark.filterwarnings("ignore")  # torch has several about itself, where it compiles
def test_a_decoder_that_is_compiled_trains_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    settings = {**SETTINGS, "depth": 2}
    (plain,), (compiled,) = (
        curve(Language({**settings, **more}, seed=1).start([trial(0, ADAMW)]), 2).values()
        for more in ({}, {"compile": True, "recompute_activations": True})
    )
    assert [each["bits_per_byte"] for each in compiled] == pytest.approx([each["bits_per_byte"] for each in plain])
    kept = cache_folder("compiled")
    assert any(kept.iterdir())
    assert kept.stat().st_mode & 0o777 == 0o700


def test_members_of_a_cohort_train_together_whatever_one_alone_computes_again() -> None:
    objective = Language({**SETTINGS, "recompute_activations": True, "compile": True, "micro_batch": 2}, seed=1)
    cohort = objective.start([trial(number, {**ADAMW, "batch_size": 4}) for number in range(8)])
    together = curve(cohort, 1)
    assert cohort.together() == (8, "")
    one_by_one = Language({**SETTINGS, "recompute_activations": True, "micro_batch": 2}, seed=1)
    alone = curve(one_by_one.start([trial(1, {**ADAMW, "batch_size": 4})]), 1)
    assert together[1][0]["bits_per_byte"] == pytest.approx(alone[1][0]["bits_per_byte"], rel=1e-5)
