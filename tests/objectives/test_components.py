import pytest

from tuner.domain.config import Config
from tuner.objectives._components import PARTS, Part, part
from tuner.objectives._tasks import Task


def test_a_part_is_chosen_by_name_or_as_a_branch_with_fields() -> None:
    by_name = part(Config({"optimizer": "sgd"}), "optimizer", Task.CLASSIFICATION)
    branch = part(Config({"optimizer": {"name": "sgd", "lr": 0.3}}), "optimizer", Task.CLASSIFICATION)
    assert by_name.build() == PARTS["optimizer"]["sgd"]()
    assert branch.build() == PARTS["optimizer"]["sgd"](lr=0.3)


@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.REGRESSION])  # a language model has a loss of its own
@pytest.mark.parametrize("kind", PARTS)
def test_what_nobody_chose_has_a_default_that_fits_the_task(kind: str, task: Task) -> None:
    chosen = part(Config({}), kind, task)
    assert chosen.build() == PARTS[kind][chosen.name]()
    if kind == "loss":
        assert task in chosen.build().tasks


def test_preprocessing_means_the_scaling() -> None:
    assert part(Config({"preprocessing": "minmax"}), "scaling", Task.REGRESSION) == Part("scaling", "minmax")


def test_parts_are_equal_whatever_the_order_of_their_fields_and_without_the_field_left_out() -> None:
    one = part(Config({"architecture": {"name": "mlp", "width": 8, "dropout": 0.1}}), "architecture", Task.REGRESSION)
    other = part(Config({"architecture": {"dropout": 0.4, "width": 8, "name": "mlp"}}), "architecture", Task.REGRESSION)
    assert one != other
    assert hash(one.without("dropout")) == hash(other.without("dropout"))
    assert one.without("dropout") == other.without("dropout")
