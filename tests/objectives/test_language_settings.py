from pathlib import Path

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives._language_settings import LanguageSettings, located


def test_every_mistake_is_reported_at_once_with_its_key() -> None:
    wrong = {
        "width": 0,
        "contxt": 64,
        "tokenizer": "missing.json",
        "parametrisation": "mupp",
        "validation": 0,
        "head_size": 7,
        "near_duplicates": 2,
        "precision": "float16",
    }
    with pytest.raises(ConfigurationError) as raised:
        LanguageSettings.of(wrong)
    text = str(raised.value)
    for key in ("dataset", *wrong):
        assert f"settings.{key}" in text
    assert "did you mean 'context'?" in text
    assert "did you mean 'mup'?" in text


def test_shares_leave_something_to_train_on() -> None:
    with pytest.raises(ConfigurationError, match="nothing to train on"):
        LanguageSettings.of({"dataset": "stdlib", "validation": 0.5, "test": 0.5})


def test_paths_are_found_in_the_first_folder_that_has_them(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("text")
    (tmp_path / "tokenizer.json").write_text("{}")
    given = {"dataset": "*.txt", "tokenizer": "tokenizer.json", "width": 8}
    found = located(given, [tmp_path / "elsewhere", tmp_path])
    assert found == {"dataset": str(tmp_path / "*.txt"), "tokenizer": str(tmp_path / "tokenizer.json"), "width": 8}
    assert located({"dataset": "stdlib", "tokenizer": "bpe"}, [tmp_path]) == {"dataset": "stdlib", "tokenizer": "bpe"}


def test_a_tokenizers_size_matters_for_bpe_only() -> None:
    settings = LanguageSettings.of({"dataset": "stdlib", "vocabulary": 300})
    assert settings.tokens(0) == LanguageSettings.of({"dataset": "stdlib"}).tokens(0)
    assert LanguageSettings.of({"dataset": "stdlib", "tokenizer": "bpe"}).tokens(0).vocabulary == 8192


def test_a_dataset_that_is_no_path_is_said_as_it_is() -> None:
    with pytest.raises(ConfigurationError, match=r"settings\.dataset: 5 is not a path"):
        LanguageSettings.of({"dataset": 5})
