from pathlib import Path

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives._finetune_settings import FinetuneSettings, located
from tuner.objectives.text.base_folder import RANDOM, base_at


def test_every_mistake_is_reported_at_once_with_its_key() -> None:
    wrong = {
        "base": 5,
        "contxt": 64,
        "task": "classify",
        "max_rank": 0,
        "column": "",
        "validation": 0,
        "near_duplicates": 2,
        "precision": "float16",
    }
    with pytest.raises(ConfigurationError) as raised:
        FinetuneSettings.of(wrong)
    text = str(raised.value)
    for key in ("dataset", *wrong):
        assert f"settings.{key}" in text
    assert "did you mean 'context'?" in text
    assert "5 is not a path" in text


def test_classes_are_for_classifiers() -> None:
    given = {"base": RANDOM, "dataset": "texts.csv", "target": "mood"}
    with pytest.raises(ConfigurationError, match=r'target: is for task = "classification"'):
        FinetuneSettings.of(given)
    assert FinetuneSettings.of({**given, "task": "classification"}).is_classifier
    with pytest.raises(ConfigurationError, match="nothing to train on"):
        FinetuneSettings.of({"base": RANDOM, "dataset": "a", "validation": 0.5, "test": 0.5})


def test_paths_are_found_in_the_first_folder_that_has_them(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "one.txt").write_text("text")
    found = located({"base": "model", "dataset": "*.txt", "context": 8}, [tmp_path / "elsewhere", tmp_path])
    assert found == {"base": str(tmp_path / "model"), "dataset": str(tmp_path / "*.txt"), "context": 8}
    assert located({"base": RANDOM, "dataset": "stdlib"}, [tmp_path]) == {"base": RANDOM, "dataset": "stdlib"}


def test_texts_become_the_tokens_of_the_base() -> None:
    base = base_at(RANDOM)
    options = FinetuneSettings.of({"base": RANDOM, "dataset": "a"}).tokens(base, seed=3)
    assert (options.tokenizer, options.end, options.seed) == (str(base.tokenizer), 256, 3)
