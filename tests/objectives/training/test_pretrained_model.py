"""Folders that hold no model of the task."""

from pathlib import Path

import pytest
from finetuning import base_of

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Task
from tuner.objectives.text.base_folder import base_at
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.pretrained_model import loaded


def load(folder: str, task: Task) -> None:
    loaded(base_at(folder), task, classes=2, precision=Precision.FLOAT32, device="cpu")


def test_weights_that_are_cut_off_are_an_error_with_the_folder(tmp_path: Path) -> None:
    folder = base_of("bert", tmp_path / "bert", "classification")
    weights = tmp_path / "bert" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ConfigurationError, match=r"settings\.base: .*bert cannot be loaded as AutoModelForSequence"):
        load(folder, Task.CLASSIFICATION)


def test_an_encoder_is_no_language_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be loaded as AutoModelForCausalLM: it has no cls\."):
        load(base_of("bert", tmp_path / "bert", "classification"), Task.LANGUAGE)


def test_code_in_a_folder_is_not_run(tmp_path: Path) -> None:
    folder = base_of("bert", tmp_path / "bert", "classification")
    config = tmp_path / "bert" / "config.json"
    own = '"model_type": "strange", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}'
    config.write_text(config.read_text().replace('"model_type": "bert"', own))
    (tmp_path / "bert" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        load(folder, Task.LANGUAGE)
    assert not (tmp_path / "ran").exists()
