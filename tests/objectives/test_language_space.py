import pytest

from tuner import Choice, Float, Int, SearchSpace
from tuner.objectives._language_space import space_problems


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        (SearchSpace(architecture=Choice(decoder={"width": Int(8, 64)})), r"width: belongs in \[settings\]"),
        (SearchSpace(architecture=Choice("mlp", "decoder")), "unknown architecture 'mlp'"),
        (SearchSpace(optimizer=Choice(adamw={"rate": Float(0.0, 1.0)})), "'adamw' has no field 'rate'"),
        (SearchSpace(batch_size=Int(0, 8)), "batch_size: has to be whole numbers from 1"),
        (SearchSpace(duplicates=Choice("near", "some")), "duplicates: has to be a Choice of keep, exact, near"),
        (SearchSpace(scaling=Choice("standard", "none")), "scaling: nothing is called that"),
        (SearchSpace(optimizer=Float(0.0, 1.0)), "optimizer: has to be a Choice of"),
    ],
    ids=str,
)
def test_what_the_objective_cannot_use_is_named_with_its_path(space: SearchSpace, problem: str) -> None:
    found = [*space_problems(space)]
    assert len(found) == 1
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(found[0])


def test_depth_and_filters_may_be_searched() -> None:
    space = SearchSpace(
        architecture=Choice(decoder={"depth": Int(1, 4), "out": Float(0.5, 2.0)}),
        min_length=Int(0, 1000),
        max_symbols=Float(0.1, 1.0),
    )
    assert [*space_problems(space)] == []
