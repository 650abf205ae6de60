"""Adapters in cohorts: each member has the learning curve that it has alone, whatever its rank and layers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from finetuning import LANGUAGE, SETTINGS, SMALL, curve, reviews, settings_of, trial

from tuner.domain.trial import Metrics, Trial
from tuner.objectives.finetune import Finetune
from tuner.objectives.text.base_folder import RANDOM
from tuner.objectives.training.adapted_model import AdaptableBase


def config(number: int) -> dict[str, Any]:
    """Adapters of all ranks, in different layers, under different optimizers."""
    lora = {
        "name": "lora",
        "rank": (1, 2, 8, 16)[number % 4],
        "alpha": 8.0 + 4 * number,
        "modules": ("all", "attention", "mlp")[number % 3],
        "layers": (1.0, 0.5)[number % 2],
    }
    return {
        "adapter": lora,
        "optimizer": {
            "name": ("adamw", "lion", "sgd")[number % 3],
            "lr": 1e-3 * (1 + number),
            "clip": number % 2 * 1.0,
        },
        "lr_schedule": {"name": "cosine", "warmup": 0.2},
        "batch_size": 4,
    }


def assert_alike(one: list[Metrics], other: list[Metrics]) -> None:
    for mine, alone in zip(one, other, strict=True):
        assert mine["loss"] == pytest.approx(alone["loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "task"), [*((kind, "language") for kind in LANGUAGE), *((kind, "classification") for kind in SMALL)]
)
def test_a_member_of_a_cohort_is_the_same_trial_alone_to_five_digits(kind: str, task: str, tmp_path: Path) -> None:
    objective = Finetune(settings_of(kind, task, tmp_path), seed=1)
    trials = [trial(number, config(number)) for number in range(4)]
    cohort = objective.start(trials)
    together = curve(cohort)
    assert cohort.together() == (4, "")
    for each in trials:
        alone = objective.start([each])
        assert_alike(together[each.number], curve(alone)[each.number])
        assert alone.together()[0] == 1


def test_a_member_that_joins_a_cohort_and_one_that_continues_are_as_if_nothing_had_happened() -> None:
    objective = Finetune(SETTINGS, seed=1)
    trials = [trial(number, config(number)) for number in range(5)]
    alone = {each.number: curve(objective.start([each]))[each.number] for each in trials}
    cohort = objective.start(trials[:4])
    first = curve(cohort, 1)
    cohort.save([0, 1, 2, 3])
    cohort.add(trials[4:])
    assert cohort.together()[0] == 4
    second = curve(cohort, 1)
    for number in range(4):
        assert_alike([*first[number], *second[number]], alone[number][:2])
    assert_alike(second[4], alone[4][:1])
    state = trials[2].load()
    assert state is not None
    assert all(not name.startswith("model.") for name in state["model"])  # no weight of the base
    resumed = trial(2, config(2))
    resumed.save(state)
    continued = objective.start([Trial(**{**_fields(resumed), "epoch": 1})])
    assert_alike(curve(continued, 2)[2], alone[2][1:])


def _fields(given: Trial) -> dict[str, Any]:
    names = ("config", "number", "seed", "device", "epoch", "max_epochs", "settings", "checkpoints")
    return {name: getattr(given, name) for name in names}


def test_a_rank_and_layers_that_were_not_chosen_count_for_nothing() -> None:
    objective = Finetune(SETTINGS, seed=1)
    one = {"adapter": {"name": "lora", "rank": 1, "modules": "attention", "layers": 0.5}}
    (metrics,) = curve(objective.start([trial(0, one)]), 1)[0]
    assert metrics["parameters"] == 4 * (64 + 64)
    (whole,) = curve(objective.start([trial(0, {"adapter": {"name": "lora", "rank": 16}})]), 1)[0]
    assert whole["parameters"] == 2 * 16 * (4 * (64 + 64) + 3 * (64 + 128))


def test_adapters_with_dropout_train_together_and_draw_apart() -> None:
    objective = Finetune(SETTINGS, seed=1)
    dropped = {**config(0), "adapter": {"name": "lora", "dropout": 0.5}}
    same = [Trial(**{**_fields(trial(number, dropped)), "seed": 7}) for number in range(4)]
    found = curve(objective.start(same), 2)
    losses = {metrics[-1]["loss"] for metrics in found.values()}
    assert len(losses) == 4
    assert max(losses) - min(losses) < 0.5


def test_a_classifier_learns_and_is_tested(tmp_path: Path) -> None:
    given = {"base": RANDOM, "task": "classification", "dataset": reviews(tmp_path), "target": "mood", "context": 32}
    objective = Finetune({**given, "validation": 0.2, "test": 0.2}, seed=1)
    learner = trial(0, {"optimizer": {"name": "adamw", "lr": 2e-3}, "batch_size": 8})
    cohort = objective.start([learner])
    assert curve(cohort)[0][-1]["accuracy"] == 1
    cohort.save([0])
    tested = objective.test(learner)
    assert tested is not None
    assert tested["accuracy"] == 1


def test_a_base_that_mixes_the_rows_of_a_batch_is_trained_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = AdaptableBase.logits

    def mixed(base: AdaptableBase, tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        logits = apart(base, tokens, mask)
        return logits - logits.mean(dim=0)

    monkeypatch.setattr(AdaptableBase, "logits", mixed)
    cohort = Finetune(SETTINGS, seed=1).start([trial(number, config(number)) for number in range(4)])
    cohort.advance()
    assert cohort.together() == (1, "the models do not compute together what each does alone")


def test_a_large_base_is_trained_one_by_one_on_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.objectives.training.finetune_factory._BUSY", 1000)
    cohort = Finetune(SETTINGS, seed=1).start([trial(number, config(number)) for number in range(4)])
    cohort.advance()
    count, why = cohort.together()
    assert count == 1
    assert "keeps a processor busy alone" in why
