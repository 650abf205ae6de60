"""What every sampler that ships promises: what `tuner.testing` says of any, and that the tuner can tell about it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.ranking import front
from tuner.domain.study import Component, StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.running.builder import build_components
from tuner.running.lookup import SAMPLERS
from tuner.testing import SamplerConformance
from tuner.testing.sampler import BOTH, BOUND, SEVERAL, judged
from tuner.testing.spaces import MAXIMIZED, NUMBERS, PLANE, SPACES

KNOWN: dict[str, dict[str, Any]] = {
    "grid": {"has_randomness": False, "num_trials": 4, "options_for_few": {"points": 10}},
    "gp": {"options_for_few": {"startup_trials": 100}},
}
"""What the suite has to know of a sampler, where that is not the usual."""

for _name in SAMPLERS.names:
    _facts = {"sampler": SAMPLERS[_name], **KNOWN.get(_name, {})}
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (SamplerConformance,), _facts)


def refused() -> Iterator[tuple[str, str]]:
    for name in SAMPLERS.names:
        for title, space in SPACES.items():
            if [*SAMPLERS[name].problems(space, MAXIMIZED, stops_early=False)]:
                yield name, title


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_a_sampler_that_ships_is_final(name: str) -> None:
    assert SAMPLERS[name].__final__


@pytest.mark.parametrize(("name", "title"), list(refused()))
def test_a_refusal_names_the_parameter_or_a_sampler_that_takes_the_space(name: str, title: str, tmp_path: Path) -> None:
    space = SPACES[title]
    spec = StudySpec(
        objective="supervised",
        search_space=space,
        metric="accuracy",
        sampler=name,
        scheduler="none",
        settings={"dataset": "iris"},
    )
    with pytest.raises(ConfigurationError) as caught:
        build_components(spec, tmp_path, StudyFolders.within(tmp_path))
    reasons = [problem for problem in caught.value.problems if problem.startswith(f"sampler {name}: ")]
    assert reasons
    for reason in reasons:
        suggested = re.findall(r"the sampler (\w+)", reason)
        assert suggested or any(path in reason for path in space.parameters)
        assert all([*SAMPLERS[other].problems(space, MAXIMIZED, stops_early=False)] == [] for other in suggested)


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_what_a_refusal_because_of_early_stops_suggests_is_fine_with_them(name: str) -> None:
    for problem in SAMPLERS[name].problems(NUMBERS, MAXIMIZED, stops_early=True):
        (suggested,) = re.findall(r"the sampler (\w+)", problem)
        assert [*SAMPLERS[suggested].problems(NUMBERS, MAXIMIZED, stops_early=True)] == []


@pytest.mark.parametrize("goal", [SEVERAL, BOTH], ids=["several", "both"])
@pytest.mark.parametrize("name", SAMPLERS.names)
def test_a_sampler_of_a_single_metric_refuses_several_with_one_that_takes_them(name: str, goal: Goal) -> None:
    problems = [*SAMPLERS[name].problems(PLANE, goal, stops_early=False)]
    assert problems in ([], ["it adapts to a single metric, and the study has several; use the sampler tpe"])


@pytest.mark.parametrize("name", ["tpe", "gp", "cma_es"])
def test_what_breaks_a_constraint_is_proposed_clearly_less_often_than_at_random(name: str) -> None:
    def share(name: str) -> float:
        records = [record for seed in range(4) for record in judged(SAMPLERS[name], BOUND, 60, seed)[1][-20:]]
        return sum(bool(BOUND.violated(record.metrics)) for record in records) / len(records)

    assert share(name) < 0.75 * share("random")


@pytest.mark.parametrize("goal", [SEVERAL, BOTH], ids=["several", "both"])
@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_more_of_a_common_front_is_found_by_learning_than_at_random(sampler: str, goal: Goal) -> None:
    learned, drawn = (
        [record for seed in range(3) for record in judged(SAMPLERS[name], goal, 40, seed)[1]]
        for name in (sampler, "random")
    )
    common = [replace(record, number=number) for number, record in enumerate([*learned, *drawn])]
    by_learning = [record.number < len(learned) for record in front(common, goal)]
    assert sum(by_learning) > 0.6 * len(by_learning)


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_an_unknown_option_is_refused_by_name(name: str, tmp_path: Path) -> None:
    spec = StudySpec(
        objective="supervised",
        search_space=NUMBERS,
        metric="accuracy",
        sampler=Component(name=name, options={"no_such_option": 1}),
        scheduler="none",
        settings={"dataset": "iris"},
    )
    with pytest.raises(ConfigurationError, match="sampler: unknown option 'no_such_option'"):
        build_components(spec, tmp_path, StudyFolders.within(tmp_path))
