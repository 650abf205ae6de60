"""How far trials are trained: one unit to a study, and its words."""

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.domain.fidelity import Fidelity, FidelityUnit
from tuner.domain.study import Budget, StudySpec


@pytest.mark.parametrize("unit", FidelityUnit)
def test_a_budget_counts_in_the_unit_that_is_given(unit: FidelityUnit) -> None:
    budget = Budget(**{unit.value: 40})  # type: ignore[arg-type]  # not all keys are numbers
    assert budget.fidelity == Fidelity(unit, 40)
    assert {key: each for key, each in budget.describe().items() if each} == {"trials": 64, unit.value: 40}


def test_without_a_unit_a_trial_has_27_epochs() -> None:
    assert {key: each for key, each in Budget().describe().items() if each} == {"trials": 64, "epochs": 27}


def test_two_units_are_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="epochs and steps say in two ways how far a trial is trained"):
        Budget(epochs=3, steps=300)


def test_a_budget_that_no_database_can_count_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="3000000000 is above 2147483647, the largest step"):
        Budget(tokens=3_000_000_000)


def test_a_spec_in_steps_is_stored_and_read_back() -> None:
    spec = StudySpec(objective="mine:train", search_space="mine:space", metric="loss", budget=Budget(steps=20_000))
    assert StudySpec.from_description(spec.describe()) == spec


def test_tokens_and_examples_are_amounts_and_epochs_and_steps_are_numbered() -> None:
    words = [unit.at(1500) for unit in FidelityUnit]
    assert words == ["epoch 1500", "step 1,500", "1,500 tokens", "1,500 examples"]
    assert [unit.heading for unit in FidelityUnit] == ["epoch", "step", "tokens", "examples"]


def test_a_unit_prints_as_the_word_of_the_budget() -> None:
    assert [str(unit) for unit in FidelityUnit] == ["epochs", "steps", "tokens", "examples"]
    assert f"{FidelityUnit.STEPS}" == "steps"
