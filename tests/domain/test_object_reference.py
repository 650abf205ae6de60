import functools

import pytest

from tuner.domain.object_reference import UNNAMED, default_name, reference_to


def trained(trial: object, by: int = 1) -> None: ...


class Scorer:
    def measure(self, trial: object) -> None: ...


def local() -> object:
    def train(trial: object) -> None: ...

    return train


@pytest.mark.parametrize(
    ("thing", "reference", "name"),
    [
        ("mine:train", "mine:train", "train"),
        (trained, f"{__name__}:trained", "trained"),
        (functools.partial(trained, by=2), f"{__name__}:trained(...)", "trained"),
        (Scorer, f"{__name__}:Scorer", "Scorer"),
        (Scorer(), f"{__name__}:Scorer(...)", "Scorer"),
        (Scorer().measure, f"{__name__}:Scorer.measure(...)", "Scorer.measure"),
        (local(), f"{__name__}:local.<locals>.train", "train"),
    ],
)
def test_a_reference_names_what_lies_in_a_module_and_describes_the_rest(
    thing: object, reference: str, name: str
) -> None:
    assert (reference_to(thing), default_name(thing)) == (reference, name)
    is_there = thing in ("mine:train", trained, Scorer)
    assert any(mark in reference for mark in UNNAMED) is not is_there
