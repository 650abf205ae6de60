"""Small pretrained models, texts and trials for tests of fine-tuning."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from memory_checkpoints import InMemory

from tuner.domain.config import Config
from tuner.domain.objective import Cohort
from tuner.domain.trial import Metrics, Trial
from tuner.objectives.text.base_folder import RANDOM, base_at

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers")

DOCS = Path(__file__).parents[1] / "docs"
SETTINGS = {"base": RANDOM, "dataset": str(DOCS), "context": 16, "steps": 4, "evaluation_tokens": 512}

SMALL = {
    "llama": {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    },
    "gpt2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "bos_token_id": 256},
    "bert": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2},
    "distilbert": {"dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2},
    "roberta": {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 300,
    },
}
LANGUAGE = ("llama", "gpt2")


def trial(number: int, config: Mapping[str, Any], settings: Mapping[str, Any] = SETTINGS) -> Trial:
    return Trial(
        config=Config(config),
        number=number,
        seed=number,
        device="cpu",
        epoch=0,
        max_epochs=3,
        settings=Config(settings),
        checkpoints=InMemory(),
    )


def curve(cohort: Cohort, epochs: int = 3) -> dict[int, list[Metrics]]:
    found: dict[int, list[Metrics]] = {}
    for _ in range(epochs):
        for number, metrics in cohort.advance().items():
            assert isinstance(metrics, Mapping)
            found.setdefault(number, []).append(metrics)
    return found


def base_of(kind: str, place: Path, task: str) -> str:
    """Make a small pretrained model of random weights in a folder, as `save_pretrained` writes it."""
    if not place.exists():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            known = transformers.AutoConfig.for_model(
                kind, vocab_size=257, eos_token_id=256, pad_token_id=256, **SMALL[kind]
            )
            made = transformers.AutoModelForCausalLM if task == "language" else transformers.AutoModel
            made.from_config(known).save_pretrained(place)
        (place / "tokenizer.json").write_bytes(base_at(RANDOM).tokenizer.read_bytes())
    return str(place)


def reviews(folder: Path) -> str:
    rows = [f'"{word} film number {number}",{mood}' for number in range(20) for word, mood in (("good", 1), ("bad", 0))]
    (folder / "reviews.csv").write_text("\n".join(["text,mood", *rows]))
    return str(folder / "reviews.csv")


def settings_of(kind: str, task: str, folder: Path) -> dict[str, Any]:
    base = base_of(kind, folder / kind, task)
    if task == "language":
        return {**SETTINGS, "base": base}
    return {"base": base, "task": task, "dataset": reviews(folder), "target": "mood", "context": 24}
