import pytest
from search_quality.tasks import LCBENCH, XGBOOST
from tiny_task import EPOCHS, tiny_task

TASK = tiny_task()


def test_a_curve_ends_with_what_the_configuration_is_worth() -> None:
    config = TASK.space.default
    curve = TASK.curve(config)
    assert len(curve) == EPOCHS
    assert curve[-1] == TASK.final([config])[0] == pytest.approx(config["x"])


def test_the_scale_is_the_best_and_the_median_of_random_configurations() -> None:
    best, median = TASK.scale
    assert best == pytest.approx(1.0, abs=0.01)
    assert median == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("tasks", [LCBENCH, XGBOOST], ids=["lcbench", "xgboost"])
def test_no_task_is_both_tuned_on_and_reported(tasks: dict[str, tuple[str, ...]]) -> None:
    assert not set(tasks["tuned"]) & set(tasks["reported"])
