"""A study that is scaled: the ladder shows the drift, the target is trained with it, and all of it is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuner import Choice, Float, SearchSpace
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import Budget, Component, Confirm, Direction, StudySpec
from tuner.domain.transfer import Transfer
from tuner.running import launch
from tuner.running.scaling import NOTE, Forecast, scale
from tuner.storage.store import open_store


@pytest.fixture
def searched(user_folder: Path) -> Callable[..., str]:
    """Searches at 32 for a model of width 256, and returns the study's name."""
    assert (user_folder / "drifting.py").exists()

    def search(settings: dict[str, Any] | None = None, **transfer: Any) -> str:
        spec = StudySpec(
            name="small",
            objective="drifting:train",
            search_space=SearchSpace(optimizer=Choice(adamw={"lr": Float(1e-4, 1.0, log=True, default=0.06)})),
            metric="loss",
            direction=Direction.MINIMIZE,
            executor="inline",
            settings={"width": 256, **(settings or {})},
            budget=Budget(trials=3, epochs=2),
            sampler=Component(name="random"),
            confirm=Confirm(run=False),
            transfer=Transfer(**{"proxies": (32, 64, 128), "seeds": 1, **transfer}),
        )
        name, cause = launch.run(spec)
        assert cause is None
        return name

    return search


def trained() -> list[tuple[int, float]]:
    lines = Path("trained.txt").read_text().splitlines()
    return [(int(line.split()[0]), float(line.split()[1])) for line in lines]


def test_the_search_runs_at_the_first_proxy_and_the_target_once_with_the_rate_that_the_ladder_says(
    searched: Callable[..., str],
) -> None:
    name = searched()
    assert {width for width, _ in trained()} == {32}
    scaled = scale(name)
    assert scaled.forecast.drift.slope == pytest.approx(-1, abs=0.1)
    assert scaled.forecast.drift.value == pytest.approx(2**-7, rel=0.1)
    assert scaled.forecast.drift.low < 2**-7 < scaled.forecast.drift.high
    assert [lr for width, lr in trained() if width == 256] == [pytest.approx(scaled.forecast.used, rel=1e-4)]
    assert scaled.trial is not None
    assert scaled.trial.value == pytest.approx(10 / 8, abs=0.01)


def test_what_was_predicted_is_kept_with_the_search_before_the_target_is_trained_and_what_came_of_it_after(
    searched: Callable[..., str],
) -> None:
    name = searched()
    seen: list[dict[str, Any]] = []

    def look(forecast: Forecast) -> bool:
        seen.append(open_store(None).study(name).notes[NOTE])
        assert seen[-1]["drift"] == forecast.drift.describe()
        return True

    scaled = scale(name, trains=look)
    assert seen[0]["outcome"] is None
    note = open_store(None).study(name).notes[NOTE]
    assert note == scaled.describe()
    assert note["outcome"]["value"] == pytest.approx(1.25, abs=0.01)
    assert note["study"] in open_store(None).names


def test_nothing_is_trained_twice(searched: Callable[..., str]) -> None:
    name = searched()
    scale(name, trains=lambda _: False)
    before = trained()
    assert max(width for width, _ in before) == 128
    assert scale(name).trial is not None
    assert trained()[: len(before)] == before
    assert [width for width, _ in trained()[len(before) :]] == [256]
    scale(name)
    assert len(trained()) == len(before) + 1


def test_without_a_drift_the_rate_stays_and_a_drift_can_be_refused_or_ignored(searched: Callable[..., str]) -> None:
    name = searched(seeds=3, on_drift="refuse")
    with pytest.raises(ConfigurationError, match=r"drifts by -[01]\.\d\d powers of 2 per doubling"):
        scale(name)
    assert 256 not in {width for width, _ in trained()}
    scaled = scale(name, overrides={"transfer.on_drift": "ignore"})
    best = scaled.trial.config["optimizer"]["lr"] if scaled.trial is not None else None
    assert best == pytest.approx(scaled.forecast.used)


def test_a_study_that_transfers_nothing_is_refused_with_what_to_write(searched: Callable[..., str]) -> None:
    with pytest.raises(ConfigurationError, match="transfers nothing"):
        scale(searched(proxies=()))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"proxies": (64, 32)}, "each larger"),
        ({"proxies": (64,)}, "no drift can be seen"),
        ({"proxies": (64, 512)}, "not below settings.width"),
        ({"parameter": "optimizer.rate"}, "no number at 'optimizer.rate'"),
        ({"setting": "depth"}, "settings.depth"),
    ],
    ids=str,
)
def test_mistakes_are_found_before_anything_is_trained(
    searched: Callable[..., str], given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        searched(**given)
    assert not Path("trained.txt").exists()
