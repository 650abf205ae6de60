"""transformers: the guide's program as it stands, stopped and killed."""

import os
from pathlib import Path
from typing import ClassVar, final

import pytest
from integrations.callbacks import CallbackOfAGuide
from integrations.guides import Guide

os.environ["HF_HUB_OFFLINE"] = "1"


@final
class TestTransformers(CallbackOfAGuide):
    guide: ClassVar[Guide] = Guide("transformers", "tuner.integrations.transformers")

    def test_adapters_of_peft_continue_too(self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        model = "BertForSequenceClassification(config),  # from_pretrained(...) in yours"
        adapted = (
            "get_peft_model(BertForSequenceClassification(config), "
            "LoraConfig(task_type='SEQ_CLS', r=2, target_modules=['query', 'value'])),"
        )
        guide = self.guide.edited(
            {
                model: adapted,
                "import torch\n": "import torch\nfrom peft import LoraConfig, get_peft_model\n"
                "from transformers import set_seed\n",
                "    config =": "    set_seed(0)\n    config =",
            }
        )
        stored, resumed = guide.curves_after_a_kill(tmp_path, "after", 3)
        assert stored == 3
        assert resumed == guide.uninterrupted(tmp_path_factory.mktemp("uninterrupted"))
