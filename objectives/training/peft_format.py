"""Adapters in the format of the library PEFT: `PeftModel.from_pretrained(base, folder)` reads them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from tuner.objectives._tasks import Task
from tuner.objectives.adapters.lora import Lora
from tuner.objectives.text.base_folder import BaseFolder
from tuner.objectives.training.adapted_model import AdaptedModel
from tuner.objectives.training.weights import save

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

_TASKS = {Task.LANGUAGE: "CAUSAL_LM", Task.CLASSIFICATION: "SEQ_CLS"}
_HEADS = ("score", "classifier")
"""Heads that PEFT saves whole, by the name of their first layer."""


def write_adapter(model: AdaptedModel, lora: Lora, base: BaseFolder, folder: Path) -> None:
    """Write the adapters, cut to their rank, and the head of a classifier into the folder."""
    (folder / CONFIG).write_text(json.dumps(_described(model, lora, base), indent=2))
    save(dict(_tensors(model, lora)), folder / WEIGHTS)


def _described(model: AdaptedModel, lora: Lora, base: BaseFolder) -> dict[str, Any]:
    whole = {name.partition(".")[0] if name.partition(".")[0] in _HEADS else name for name in model.base.owned}
    return {
        "peft_type": "LORA",
        "task_type": _TASKS[model.base.task],
        "base_model_name_or_path": str(base.path),
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": sorted(model.chosen),
        "modules_to_save": sorted(whole) or None,
        "fan_in_fan_out": model.base.transposed,
        "bias": "none",
        "inference_mode": True,
    }


def _tensors(model: AdaptedModel, lora: Lora) -> Iterator[tuple[str, Tensor]]:
    for name, down, up in zip(model.names, model.down, model.up, strict=True):
        if name not in model.chosen:
            continue
        yield f"base_model.model.{name}.lora_A.weight", down[: lora.rank]
        yield f"base_model.model.{name}.lora_B.weight", up[:, : lora.rank]
    for described, tensor in zip(model.base.head, model.head, strict=True):
        yield f"base_model.model.{described.layer}.{described.key}", tensor
