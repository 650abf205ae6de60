"""Models of images: a folder of files in, or arrays with their channels first or last."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tuner
from tuner import Budget, Choice, SearchSpace, StudySpec

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def study(workplace: Path) -> tuner.Study:
    """A study of dark and bright pictures of six by six pixels."""
    rng = np.random.default_rng(0)
    for name, least in (("bright", 150), ("dark", 0)):
        (workplace / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(least, least + 100, (6, 6, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(workplace / "pictures" / name / f"{number:02d}.png")
    run: tuner.Study = tuner.run(
        StudySpec(
            name="pictures",
            objective="supervised",
            search_space=SearchSpace(architecture=Choice("cnn"), scaling=Choice("minmax")),
            metric="loss",
            direction="minimize",
            settings={"dataset": "pictures"},
            budget=Budget(trials=1, epochs=1),
            executor="inline",
        )
    )
    return run


def test_a_folder_of_images_is_answered_file_by_file(study: tuner.Study, cli: Cli, workplace: Path) -> None:
    study.export("model")
    code, answer, said = cli("predict", "model", "pictures")
    assert code == 0, said
    rows = list(csv.DictReader(answer.splitlines()))
    assert [row["file"] for row in rows][:2] == ["bright/00.png", "bright/01.png"]
    files = [workplace / "pictures" / row["file"] for row in rows]
    last = np.stack([np.asarray(Image.open(file)) for file in files]).astype(np.float32) / np.float32(255)
    model = study.best_model()
    assert model.predict_proba(last).tobytes() == model.predict_proba(np.moveaxis(last, 3, 1)).tobytes()
    assert [row["prediction"] for row in rows] == model.predict(last).tolist()
    written = np.array([[row["probability_bright"], row["probability_dark"]] for row in rows], dtype=np.float32)
    assert written.tobytes() == model.predict_proba(last).tobytes()


def test_a_folder_without_images_and_one_for_another_model_are_refused(
    study: tuner.Study, cli: Cli, workplace: Path
) -> None:
    study.export("model")
    (workplace / "empty").mkdir()
    code, _, said = cli("predict", "model", "empty")
    assert code == 2
    assert "empty has no images" in said
    code, _, said = cli("predict", "model", "rows.csv")
    assert code == 2
    assert "examples that are no rows of a table" in said
