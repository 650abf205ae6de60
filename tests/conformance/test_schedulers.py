"""What every scheduler that ships promises: what `tuner.testing` says of any, and that its options are checked."""

from pathlib import Path

import pytest

from tuner import Float, SearchSpace
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import Component, StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.running.builder import build_components
from tuner.running.lookup import SCHEDULERS
from tuner.testing import SchedulerConformance

for _name in SCHEDULERS.names:
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (SchedulerConformance,), {"scheduler": SCHEDULERS[_name]})


@pytest.mark.parametrize("name", SCHEDULERS.names)
def test_a_scheduler_that_ships_is_final(name: str) -> None:
    assert SCHEDULERS[name].__final__


@pytest.mark.parametrize("name", SCHEDULERS.names)
def test_an_unknown_option_is_refused_by_name(name: str, tmp_path: Path) -> None:
    spec = StudySpec(
        objective="supervised",
        search_space=SearchSpace(lr=Float(0, 1)),
        metric="accuracy",
        scheduler=Component(name=name, options={"no_such_option": 1}),
        settings={"dataset": "iris"},
    )
    with pytest.raises(ConfigurationError, match="scheduler: unknown option 'no_such_option'"):
        build_components(spec, tmp_path, StudyFolders.within(tmp_path))
