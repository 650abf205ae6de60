"""Trainings of a stored study, as its objective is given them."""

from pathlib import Path

import tuner
from tuner import StudySpec
from tuner.domain.study import Budget, Confirm, Direction
from tuner.domain.transfer import Transfer


def test_a_search_at_a_small_size_leaves_models_of_that_size(user_folder: Path) -> None:
    (user_folder / "text.txt").write_text("\n\n".join(f"the quick brown fox, number {each}" for each in range(200)))
    small = {"context": 16, "head_size": 8, "base_width": 16, "steps": 2, "evaluation_tokens": 512}
    spec = StudySpec(
        name="small",
        objective="language",
        search_space="language",
        metric="bits_per_byte",
        direction=Direction.MINIMIZE,
        executor="inline",
        settings={"dataset": "text.txt", "near_duplicates": 0, "width": 32, **small},
        budget=Budget(trials=1, epochs=1),
        confirm=Confirm(run=False),
        transfer=Transfer(proxies=(8, 16)),
    )
    study = tuner.run(spec)
    searched = study.best_model()
    assert searched.save().settings["width"] == 8
    study.export("model")
    texts = ["the quick", ""]
    assert tuner.load_model("model").predict(texts).tolist() == searched.predict(texts).tolist()
