"""How far trials are trained: one unit to a study, and its words."""

from typing import Any

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.domain.fidelity import STEPS, UNITS, Fidelity, FidelityUnit
from tuner.domain.study import Budget, StudySpec


@pytest.mark.parametrize("unit", UNITS)
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
    words = [unit.at(1500) for unit in UNITS]
    assert words == ["epoch 1500", "step 1,500", "1,500 tokens", "1,500 examples"]
    assert [unit.heading for unit in UNITS] == ["epoch", "step", "tokens", "examples"]


def test_a_unit_prints_as_the_word_of_the_budget() -> None:
    assert [str(unit) for unit in UNITS] == ["epochs", "steps", "tokens", "examples"]
    assert f"{STEPS}" == "steps"


def test_a_study_may_have_a_unit_of_its_own() -> None:
    budget = Budget(unit="trees", amount=300)
    assert budget.fidelity == Fidelity(FidelityUnit("trees"), 300)
    assert {key: each for key, each in budget.describe().items() if each} == {
        "trials": 64,
        "unit": "trees",
        "amount": 300,
    }
    unit = budget.fidelity.unit
    assert (unit.at(1500), unit.amount(1), unit.heading, unit.key) == ("1,500 trees", "1 tree", "trees", "amount")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"unit": "trees"}, "budget.amount is missing"),
        ({"amount": 3}, "budget.unit is missing"),
        ({"unit": "trees", "amount": 3, "epochs": 3}, "epochs and unit say in two ways"),
        ({"unit": "steps", "amount": 3}, "steps has a key of its own; write steps = 100"),
        ({"unit": "Boosting rounds", "amount": 3}, "'Boosting rounds' is not a word of lower-case letters"),
        ({"unit": "trees", "amount": 2**31}, "is above 2147483647, the largest step"),
    ],
)
def test_a_unit_of_ones_own_that_is_not_sound_is_a_mistake(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Budget(**given)
