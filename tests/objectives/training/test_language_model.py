"""Language models that answer for texts, continue them, and are put back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from memory_checkpoints import InMemory

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import SavedModel
from tuner.domain.trial import Trial
from tuner.objectives.language import Language
from tuner.objectives.training.language_model import LanguageModel

CONFIG = {
    "optimizer": {"name": "adamw", "lr": 0.02},
    "lr_schedule": {"name": "wsd", "warmup_steps": 2},
    "batch_size": 8,
}
SENTENCE = "the quick brown fox jumps over the lazy dog. "


def settings(folder: Path, **more: Any) -> Mapping[str, Any]:
    (folder / "text.txt").write_text("\n\n".join(f"{SENTENCE * 3}{number}" for number in range(200)))
    small = {"context": 32, "width": 32, "head_size": 8, "base_width": 32, "steps": 60, "evaluation_tokens": 2048}
    return {"dataset": str(folder / "text.txt"), "near_duplicates": 0, **small, **more}


def trained(given: Mapping[str, Any]) -> tuple[LanguageModel, Mapping[str, float]]:
    objective = Language(given, seed=1)
    trial = Trial(
        config=Config(CONFIG), number=0, seed=1, device="cpu", epoch=0, max_epochs=2, settings=Config(given),
        checkpoints=InMemory(),
    )  # fmt: skip
    cohort = objective.start([trial])
    metrics = [cohort.advance()[0] for _ in range(2)][-1]
    assert isinstance(metrics, Mapping)
    cohort.save([0])
    model = objective.model(trial)
    assert isinstance(model, LanguageModel)
    return model, metrics


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return trained(settings(tmp_path_factory.mktemp("corpus")))[0]


def test_texts_like_those_it_was_trained_on_need_few_bits_a_byte(model: LanguageModel) -> None:
    like, unlike, empty = model.predict([SENTENCE * 3, "zzqj xkcd 0815!?", ""])
    assert like < 1 < unlike
    assert empty > 0
    frame = pd.DataFrame({"text": [SENTENCE * 3], "other": 1})
    assert model.predict(frame).tolist() == [like]
    assert model.columns == ("text",)
    assert not model.is_classifier
    assert "256 tokens" in repr(model)


def test_a_text_is_continued_as_its_seed_draws_and_most_probably_at_temperature_0(model: LanguageModel) -> None:
    likely = model.generate("the quick ", tokens=20, temperature=0)
    assert likely.startswith("the quick brown fox jumps")
    assert len(likely) == len("the quick ") + 20
    drawn = {model.generate("the ", tokens=30, temperature=3.0, seed=seed) for seed in (1, 1, 2)}
    assert len(drawn) == 2
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match="is not a number from 0"):
            model.generate(temperature=wrong)
    with pytest.raises(ConfigurationError, match="tokens: -1 is below 0"):
        model.generate(tokens=-1)


@pytest.mark.parametrize("tokenizer", ["bytes", "bpe"])
def test_half_a_surrogate_pair_is_replaced_as_it_is_in_texts_that_are_trained_on(
    tmp_path: Path, tokenizer: str
) -> None:
    model = trained(settings(tmp_path, tokenizer=tokenizer, vocabulary=300, steps=1))[0]
    half, mark = model.predict(["the \ud83d", "the ?"])
    assert half == mark
    assert model.generate("the \ud83d", tokens=3, seed=1)[5:] == model.generate("the ?", tokens=3, seed=1)[5:]


def test_what_is_no_text_is_refused(model: LanguageModel) -> None:
    for wrong, said in ((["good", None], "row 2, column 'text'"), ("a text", "a list of them"), ([["a"]], "a list")):
        with pytest.raises(ConfigurationError, match=said):
            model.predict(wrong)


@pytest.mark.parametrize("tokenizer", ["bytes", "bpe"])
def test_a_saved_model_is_put_back_without_the_texts(tokenizer: str, tmp_path: Path) -> None:
    found, _ = trained(settings(tmp_path, tokenizer=tokenizer, vocabulary=300, steps=20))
    saved: SavedModel = found.save()
    (tmp_path / "text.txt").unlink()
    again = Language.restore(saved)
    texts = [SENTENCE, "another text", ""]
    assert again.predict(texts).tolist() == found.predict(texts).tolist()
    assert isinstance(again, LanguageModel)
    assert again.generate("the ", seed=5) == found.generate("the ", seed=5)
    assert str(tmp_path) not in str(saved.settings)


def test_what_was_saved_and_does_not_fit_is_refused(model: LanguageModel) -> None:
    saved = model.save()
    fields = {name: getattr(saved, name) for name in SavedModel.__slots__}
    with pytest.raises(ValueError, match="the tokenizer has 256 tokens, and the model 12"):
        Language.restore(SavedModel(**{**fields, "description": {**saved.description, "vocabulary": 12}}))
    with pytest.raises(ValueError, match="the tokenizer cannot be read"):
        Language.restore(SavedModel(**{**fields, "preparation": {"tokenizer": "{"}}))


def test_a_study_of_tokens_has_no_model_that_reads_texts(tmp_path: Path) -> None:
    (tmp_path / "tokens.bin").write_bytes(bytes(range(1, 200)) * 50)
    (tmp_path / "tokens.json").write_text('{"dtype": "uint8", "vocabulary": 256, "bytes_per_token": 1.0}')
    given = {**settings(tmp_path, steps=2), "dataset": str(tmp_path / "tokens.bin")}
    with pytest.raises(ConfigurationError, match="has tokens, and what they stand for is not known"):
        trained(given)
