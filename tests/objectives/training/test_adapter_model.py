"""Fine-tuned models that answer, and that are put back."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from finetuning import SETTINGS, curve, reviews, trial

from tuner.domain.errors import ConfigurationError
from tuner.domain.model import SavedModel
from tuner.objectives.finetune import Finetune
from tuner.objectives.text.base_folder import RANDOM

CONFIG = {"optimizer": {"name": "adamw", "lr": 2e-3}, "batch_size": 8}


def trained(settings: dict[str, Any], epochs: int = 3) -> Any:
    objective = Finetune(settings, seed=1)
    learner = trial(0, CONFIG, settings)
    cohort = objective.start([learner])
    curve(cohort, epochs)
    cohort.save([0])
    return objective.model(learner), objective.test(learner)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Any:
    dataset = reviews(tmp_path_factory.mktemp("reviews"))
    given = {"base": RANDOM, "task": "classification", "dataset": dataset, "target": "mood", "context": 32}
    return trained({**given, "validation": 0.2, "test": 0.2})[0]


def test_a_classifier_answers_for_texts_however_they_are_given(classifier: Any) -> None:
    texts = ["good film number 7", "bad film number 7", "a good film", ""]
    answers = classifier.predict(texts)
    assert answers[:3].tolist() == ["1", "0", "1"]
    assert classifier.classes_.tolist() == ["0", "1"]
    assert classifier.columns == ("text",)
    frame = pd.DataFrame({"mood": 0, "text": texts})
    assert classifier.predict(frame).tolist() == answers.tolist()
    assert classifier.predict_proba(np.array(texts)).sum(axis=1) == pytest.approx(1)
    assert "2 classes" in repr(classifier)


def test_what_is_no_text_is_refused_and_what_is_cut_is_said(classifier: Any, tmp_path: Path) -> None:
    for wrong, said in ((["good", None], "row 2, column 'text'"), ("a text", "a list of them"), ([["a"]], "a list")):
        with pytest.raises(ConfigurationError, match=said):
            classifier.predict(wrong)
    with pytest.raises(ConfigurationError, match=r"no column 'text'.*review"):
        classifier.predict(pd.DataFrame({"review": ["good"]}))
    assert classifier.doubts(["short"]) == ()
    assert classifier.doubts(["long " * 20]) == ("longer than the 32 tokens that are read: 1 text",)
    with pytest.raises(ConfigurationError, match="cannot be written as ONNX"):
        classifier.write_onnx(tmp_path / "model.onnx")


def test_a_classifier_continues_no_text(classifier: Any) -> None:
    with pytest.raises(AttributeError, match="only a language model"):
        classifier.generate("good ")


def test_a_saved_model_is_put_back_without_the_data_and_not_on_another_base(classifier: Any) -> None:
    saved: SavedModel = classifier.save()
    assert saved.settings["dataset"] == "reviews.csv"
    again = Finetune.restore(saved)
    texts = ["good film number 7", "bad film number 7"]
    assert again.predict_proba(texts) == pytest.approx(classifier.predict_proba(texts), abs=1e-6)
    other = {name: getattr(saved, name) for name in ("config", "settings", "seed", "weights", "preparation")}
    with pytest.raises(ValueError, match="not the base"):
        Finetune.restore(SavedModel(**other, description={**saved.description, "base": "another"}))


def test_a_language_model_answers_with_the_bits_a_byte_of_each_text() -> None:
    model, metrics = trained({**SETTINGS, "steps": 40})
    text = (Path(__file__).parents[3] / "docs" / "tour.md").read_text()[:3000]
    known, strange = model.predict([text, "\u9f98" * 300])
    assert known == pytest.approx(metrics["bits_per_byte"], rel=0.2)
    assert strange > known + 0.5
    assert not model.is_classifier
    assert model.doubts([text]) == ()
    again = Finetune.restore(model.save())
    assert again.predict([text])[0] == pytest.approx(known, rel=1e-5)
    drawn = model.generate("the study ", tokens=12, seed=3)
    assert drawn.startswith("the study ")
    assert drawn == again.generate("the study ", tokens=12, seed=3)
    assert drawn != model.generate("the study ", tokens=12, seed=4)
