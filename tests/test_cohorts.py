from hypothesis import given
from hypothesis import strategies as st

from tuner import Choice, Float, Int, SearchSpace
from tuner.cohorts import Cohorts, KeyOf
from tuner.domain.config import Config

SPACE = SearchSpace(
    architecture=Choice(mlp={"width": Int(8, 64, default=16), "dropout": Float(0, 0.5)}, linear={}),
    batch_size=Choice(32, 64),
    lr=Float(1e-4, 1e-1, log=True),
)


def shape(config: Config) -> tuple[object, ...]:
    architecture = config["architecture"]
    return architecture["name"], architecture.get("width"), config["batch_size"]


def cohorts(
    *, size: int | None = None, trials: int = 800, most: int = 32, key_of: KeyOf = shape, timed: bool = False
) -> Cohorts:
    return Cohorts(SPACE, key_of, size=size, trials=trials, most=most, interleaved=key_of is not shape, timed=timed)


def test_automatic_cohorts_are_as_large_as_serves_the_device() -> None:
    assert cohorts().size(SPACE.default) == 32


def test_a_small_study_has_small_cohorts_so_that_it_tries_several_shapes() -> None:
    assert cohorts(trials=64).size(SPACE.default) == 4
    assert cohorts(trials=5).size(SPACE.default) == 1


def test_what_has_no_shape_in_common_trains_alone() -> None:
    assert Cohorts(SPACE, lambda _: None, size=8, trials=64).size(SPACE.default) == 1


def test_a_size_that_was_asked_for_is_taken() -> None:
    assert cohorts(size=5).size(SPACE.default) == 5


def test_a_shape_is_the_parameters_that_change_the_key_branches_too() -> None:
    assert cohorts().held(SPACE.default) == {"architecture": "mlp", "architecture.mlp.width": 16, "batch_size": 32}


@given(st.randoms(use_true_random=False))
def test_whatever_varies_beside_what_is_held_has_the_same_shape(draw: st.randoms) -> None:  # type: ignore[valid-type]
    rule = cohorts()
    config = SPACE.at({path: draw.random() for path in SPACE.parameters})  # type: ignore[attr-defined]
    other = SPACE.at({path: draw.random() for path in SPACE.parameters}, rule.held(config))  # type: ignore[attr-defined]
    assert shape(other) == shape(config)


def test_an_eighth_of_the_study_has_one_shape_at_most() -> None:
    rule = cohorts(trials=80, size=5)
    for _ in range(9):
        rule.give(SPACE.default)
    assert rule.room(SPACE.default, members=1) == 1
    rule.give(SPACE.default)
    assert rule.room(SPACE.default, members=1) == 0


def test_half_of_what_did_not_fit_is_tried_next_and_remembered_by_a_later_run() -> None:
    rule = cohorts()
    rule.overflowed(SPACE.default, 32)
    assert rule.size(SPACE.default) == 16
    later = cohorts()
    later.remember(rule.limits)
    assert later.size(SPACE.default) == 16


def test_short_epochs_take_turns_long_ones_do_not() -> None:
    def all_alike(_: Config) -> tuple[()]:
        return ()

    short, long = cohorts(key_of=all_alike, timed=True), cohorts(key_of=all_alike, timed=True)
    assert short.size(SPACE.default) == 1
    short.measured(0.01)
    long.measured(10.0)
    assert short.size(SPACE.default) == 10
    assert long.size(SPACE.default) == 1


def test_with_one_worker_nothing_depends_on_time() -> None:
    rule = cohorts(key_of=lambda _: (), timed=False)
    rule.measured(0.001)
    assert rule.size(SPACE.default) == 1
