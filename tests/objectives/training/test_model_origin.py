"""What a trained model was made from."""

from tuner.domain.config import Config
from tuner.objectives.training.model_origin import ModelOrigin


def test_the_folder_of_the_training_data_is_not_kept() -> None:
    origin = ModelOrigin.of(Config({"lr": 0.1}), Config({"dataset": "/home/me/customers.csv", "test": 0.2}), 7)
    assert origin.settings == {"dataset": "customers.csv", "test": 0.2}


def test_a_model_is_saved_with_all_that_it_was_made_from() -> None:
    origin = ModelOrigin(Config({"lr": 0.1}), Config({"dataset": "iris"}), 7)
    saved = origin.saved({"task": "classification"}, {"weight": 1}, {"mean": 0})
    assert (saved.config, saved.settings, saved.seed) == ({"lr": 0.1}, {"dataset": "iris"}, 7)
    assert (saved.description, saved.weights, saved.preparation) == (
        {"task": "classification"},
        {"weight": 1},
        {"mean": 0},
    )
