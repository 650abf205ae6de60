import json
from pathlib import Path

import pytest

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.objectives.finetune import Finetune
from tuner.objectives.text.base_folder import RANDOM, base_at
from tuner.search_spaces.finetune import space

DOCS = Path(__file__).parents[2] / "docs"
SETTINGS = {"base": RANDOM, "dataset": str(DOCS)}


def table(folder: Path, *classes: str) -> dict[str, object]:
    rows = [f'"text number {number} of {kind}",{kind}' for number in range(20) for kind in classes]
    (folder / "texts.csv").write_text("\n".join(["text,kind", *rows, '"no class",']))
    return {"base": RANDOM, "task": "classification", "dataset": str(folder / "texts.csv"), "target": "kind"}


def test_the_data_is_summarised_with_the_base() -> None:
    record = Finetune(SETTINGS, seed=0).data()
    assert "documents" in record.summary
    assert "base: llama" in record.summary
    assert record.fingerprint == Finetune.fingerprint(SETTINGS)
    assert Finetune.fingerprint({**SETTINGS, "base": "missing"}) is None


def test_a_classifier_has_its_own_metrics_summary_and_notes(tmp_path: Path) -> None:
    objective = Finetune(table(tmp_path, "a", "b"), seed=0)
    assert "accuracy" in objective.metrics()
    assert objective.data().summary.startswith("40 texts of 2 classes (a, b): 32 train, 4 validate; base: llama")
    assert objective.notes(space) == ("left out for want of a text or a class: 1 row",)
    assert objective.proposal()["search_space"] == "finetune_classifier"
    assert Finetune(SETTINGS, seed=0).proposal()["search_space"] == "finetune"
    assert "bits_per_byte" in Finetune(SETTINGS, seed=0).metrics()


def test_what_cannot_be_trained_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="only 'a' in column 'kind'"):
        Finetune(table(tmp_path, "a"), seed=0).data()
    with pytest.raises(ConfigurationError, match=r"settings\.context: 513 is more than the 512 tokens"):
        Finetune({**SETTINGS, "context": 513}, seed=0)
    with pytest.raises(ConfigurationError, match=r"settings\.dataset"):
        Finetune({**SETTINGS, "dataset": "missing/*.txt"}, seed=0)
    (tmp_path / "short.txt").write_text("one\n\ntwo\n\nthree\n\nfour")
    with pytest.raises(ConfigurationError, match=r"settings\.context: 128 tokens"):
        Finetune({**SETTINGS, "dataset": str(tmp_path / "short.txt")}, seed=0).data()


def test_a_base_without_a_token_that_ends_a_text_is_for_classes_only(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": 300, "pad_token_id": 0}))
    (tmp_path / "tokenizer.json").write_bytes(base_at(RANDOM).tokenizer.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(ConfigurationError, match="no eos_token_id"):
        Finetune({**SETTINGS, "base": str(tmp_path)}, seed=0)
    assert "40 texts" in Finetune({**table(tmp_path, "a", "b"), "base": str(tmp_path)}, seed=0).data().summary


def test_a_tokenizer_of_more_tokens_than_the_model_knows_is_refused(tmp_path: Path) -> None:
    known = {"model_type": "llama", "vocab_size": 200, "eos_token_id": 2}
    (tmp_path / "config.json").write_text(json.dumps(known))
    (tmp_path / "tokenizer.json").write_bytes(base_at(RANDOM).tokenizer.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(ConfigurationError, match="has 257 tokens, and the model knows 200"):
        Finetune({**SETTINGS, "base": str(tmp_path)}, seed=0).data()


def test_adapters_of_all_ranks_and_layers_train_together() -> None:
    objective = Finetune(SETTINGS, seed=0)
    one = Config({"adapter": {"name": "lora", "rank": 2, "modules": "mlp"}, "optimizer": {"name": "lion"}})
    assert objective.cohort_key(one) == objective.cohort_key(Config({})) == 8
    assert objective.cohort_key(Config({"batch_size": 4})) == 4
