"""What every search space that ships promises."""

import subprocess
import sys

import pytest

from tuner import Choice
from tuner.objectives._components import PARTS, SHORTHANDS
from tuner.objectives._finetune_space import space_problems as finetuning_problems
from tuner.objectives._graph_parts import graph_space_problems
from tuner.objectives._tasks import Task
from tuner.objectives.language import Language
from tuner.objectives.supervised import Supervised
from tuner.registry.catalogue import Catalogue
from tuner.testing import SearchSpaceConformance

SPACES = Catalogue("tuner.search_spaces", "search space")
DATASETS = {
    "image_classifier": ("digits",),
    "sequence_classifier": ("digits_rows", "digits"),
    "mixed_table_classifier": ("breast_cancer", "wine"),
    "mixed_table_regressor": ("diabetes",),
    "tabular_classifier": ("breast_cancer", "iris", "wine"),
    "tabular_regressor": ("diabetes",),
}


LANGUAGE = ("language",)
"""Spaces of the language objective."""
FINETUNE = {"finetune": Task.LANGUAGE, "finetune_classifier": Task.CLASSIFICATION}
"""Spaces of fine-tuning, with what they are for."""
GRAPHS = {"graph_classifier": Task.CLASSIFICATION, "graph_regressor": Task.REGRESSION}
"""Spaces of the graph objective, with what they are for."""


def test_every_space_is_told_a_dataset_here() -> None:
    assert {*DATASETS, *GRAPHS, *LANGUAGE, *FINETUNE} == set(SPACES.names)


for _name in SPACES.names:
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (SearchSpaceConformance,), {"space": SPACES[_name]})


@pytest.mark.parametrize("name", SPACES.names)
def test_a_space_says_what_it_asks(name: str) -> None:
    assert SPACES.summary(name)


@pytest.mark.parametrize(("name", "dataset"), [(name, dataset) for name in DATASETS for dataset in DATASETS[name]])
def test_a_space_has_no_parameter_that_supervised_learning_does_not_know(name: str, dataset: str) -> None:
    assert Supervised({"dataset": dataset}, seed=0).problems(SPACES[name]) == ()


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_space_has_no_parameter_that_the_language_objective_does_not_know(name: str) -> None:
    assert Language({"dataset": "stdlib"}, seed=0).problems(SPACES[name]) == ()


@pytest.mark.parametrize("name", GRAPHS)
def test_a_space_has_no_parameter_that_the_graph_objective_does_not_know(name: str) -> None:
    assert [*graph_space_problems(SPACES[name], "a_graph", GRAPHS[name])] == []


@pytest.mark.parametrize("name", FINETUNE)
def test_a_space_has_no_parameter_that_fine_tuning_does_not_know(name: str) -> None:
    is_classifier = FINETUNE[name] is Task.CLASSIFICATION
    assert [*finetuning_problems(SPACES[name], is_classifier=is_classifier, widest=16)] == []


@pytest.mark.parametrize("kind", PARTS)
def test_together_the_spaces_choose_every_member(kind: str) -> None:
    keys = {kind, *(short for short, long in SHORTHANDS.items() if long == kind)}
    chosen: set[object] = set()
    for name in SPACES.names:
        for key in keys & SPACES[name].parameters.keys():
            parameter = SPACES[name].parameters[key]
            assert isinstance(parameter, Choice)
            chosen |= set(parameter.options)
    assert chosen == set(PARTS[kind].names)


def test_reading_every_space_imports_neither_torch_nor_a_database() -> None:
    imports = "; ".join(f"import tuner.search_spaces.{name}" for name in SPACES.names)
    program = f"import sys; {imports}; assert not {{'torch', 'sklearn', 'optuna', 'ray'}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)
