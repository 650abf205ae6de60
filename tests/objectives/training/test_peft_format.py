"""Adapters that the library PEFT reads, with the logits that they have here."""

import json
from pathlib import Path

import pytest
import torch
from finetuning import LANGUAGE, SMALL, curve, settings_of, transformers, trial

from tuner.objectives.finetune import Finetune
from tuner.objectives.text.base_folder import base_at
from tuner.objectives.training.adapter_model import AdapterModel
from tuner.objectives.training.text_tokens import TextTokens

CONFIG = {
    "adapter": {"name": "lora", "rank": 3, "alpha": 24.0, "layers": 0.5},
    "optimizer": {"name": "adamw", "lr": 0.02},
}


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # PEFT asks for it
@pytest.mark.parametrize(
    ("kind", "task"), [*((kind, "language") for kind in LANGUAGE), *((kind, "classification") for kind in SMALL)]
)
def test_peft_loads_the_adapters_and_has_the_same_logits(kind: str, task: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")  # for seconds, which every process that collects the tests would take
    settings = settings_of(kind, task, tmp_path)
    objective = Finetune(settings, seed=1)
    learner = trial(0, CONFIG, settings)
    cohort = objective.start([learner])
    curve(cohort, 2)
    cohort.save([0])
    model = objective.model(learner)
    assert isinstance(model, AdapterModel)
    (tmp_path / "adapter").mkdir()
    model.write_formats(tmp_path / "adapter")
    described = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (described["r"], described["lora_alpha"]) == (3, 24.0)
    is_language = task == "language"
    kinds = transformers.AutoModelForCausalLM if is_language else transformers.AutoModelForSequenceClassification
    options = {} if is_language else {"num_labels": 2, "pad_token_id": 256}
    base = kinds.from_pretrained(settings["base"], local_files_only=True, **options)
    theirs = peft.PeftModel.from_pretrained(base, str(tmp_path / "adapter")).eval()
    tokens = TextTokens(base_at(settings["base"]), 20)(["good film number 3", "bad"])
    mask = (torch.arange(tokens.shape[1] - 1) < tokens[:, :1]).long()
    with torch.no_grad():
        expected = theirs(input_ids=tokens[:, 1:], attention_mask=None if is_language else mask).logits
        with theirs.disable_adapter():
            untrained = theirs(input_ids=tokens[:, 1:], attention_mask=None if is_language else mask).logits
        found = model.network.logits(tokens[:, 1:]) if is_language else model.network(tokens)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, untrained, atol=1e-3)
