import pytest

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.parameter import Parameter
from tuner.objectives._finetune_space import lora_of, space_problems
from tuner.objectives.adapters.lora import Lora


def problems(*, is_classifier: bool = False, **parameters: Parameter) -> str:
    return "\n".join(space_problems(SearchSpace(**parameters), is_classifier=is_classifier, widest=16))


@pytest.mark.parametrize(
    ("field", "parameter", "said"),
    [
        ("rank", Int(1, 32), "whole numbers from 1 to 16, which is settings.max_rank"),
        ("rank", Int(0, 8), "whole numbers from 1"),
        ("rank", Float(1.0, 8.0), "whole numbers from 1"),
        ("alpha", Float(0.0, 8.0), "above 0"),
        ("alpha", Choice("large"), "numbers"),
        ("layers", Choice(0.0, 1.0), "above 0 and at most 1"),
        ("dropout", Float(0.0, 1.0), "below 1"),
        ("modules", Choice("all", "heads"), "unknown modules 'heads'"),
        ("width", Int(1, 8), "has no field 'width'"),
    ],
)
def test_a_field_of_adapters_that_cannot_be_trained_is_said(field: str, parameter: Parameter, said: str) -> None:
    found = problems(adapter=Choice(lora={field: parameter}))
    assert found.startswith(f"adapter.lora.{field}: ")
    assert said in found


def test_what_only_the_other_task_has_is_said() -> None:
    assert "duplicates: nothing is called that" in problems(is_classifier=True, duplicates=Choice("near", "keep"))
    assert problems(duplicates=Choice("near", "keep")) == ""
    assert "loss: nothing is called that" in problems(loss=Choice("cross_entropy", "focal"))
    assert problems(is_classifier=True, loss=Choice("cross_entropy", "focal")) == ""


def test_names_and_numbers_that_are_none_are_said() -> None:
    assert "unknown adapter 'dora'" in problems(adapter=Choice("lora", "dora"))
    assert "unknown optimizer 'adamm'" in problems(optimizer=Choice("adamw", "adamm"))
    assert "whole numbers from 1" in problems(batch_size=Choice(0, 8))
    assert "Choice of keep, exact, near" in problems(duplicates=Choice("some", "near"))


def test_an_adapter_is_chosen_by_name_or_with_fields() -> None:
    assert lora_of({}) == lora_of({"adapter": "lora"}) == Lora()
    assert lora_of({"adapter": {"name": "lora", "rank": 2}}) == Lora(rank=2)
