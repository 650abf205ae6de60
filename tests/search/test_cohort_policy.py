import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.search.cohort_policy import Bound, CohortPolicy, CohortSettings, KeyOf

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
) -> CohortPolicy:
    return CohortPolicy(
        SPACE, key_of, CohortSettings(size=size, most=most, interleaved=timed, timed=timed), trials=trials
    )


def test_automatic_cohorts_are_as_large_as_serves_the_device() -> None:
    assert cohorts().size(SPACE.default) == 32


def test_a_small_study_has_small_cohorts_so_that_it_tries_several_shapes() -> None:
    assert cohorts(trials=64).size(SPACE.default) == 4
    assert cohorts(trials=5).size(SPACE.default) == 1


@pytest.mark.parametrize(
    ("shapes", "trials", "members"), [(1, 16, 4), (1, 64, 8), (4, 24, 4), (4, 15, 1), (16, 48, 3), (16, 64, 4)]
)
def test_four_train_together_where_the_study_has_that_many_trials_for_each_shape(
    shapes: int, trials: int, members: int
) -> None:
    space = SearchSpace(width=Int(1, shapes) if shapes > 1 else Choice(1), lr=Float(0, 1))
    rule = CohortPolicy(space, lambda config: config["width"], CohortSettings(size=None), trials=trials)
    assert rule.shapes == shapes
    assert rule.size(space.default) == members


def test_what_has_no_shape_in_common_trains_alone() -> None:
    assert CohortPolicy(SPACE, lambda _: None, CohortSettings(size=8), trials=64).size(SPACE.default) == 1


def test_a_size_that_was_asked_for_is_taken() -> None:
    assert cohorts(size=5).size(SPACE.default) == 5


def test_a_shape_is_the_parameters_that_change_the_key_branches_too() -> None:
    assert cohorts().fixed(SPACE.default) == {"architecture": "mlp", "architecture.mlp.width": 16, "batch_size": 32}


@given(st.randoms(use_true_random=False))
def test_whatever_varies_beside_what_is_held_has_the_same_shape(draw: st.randoms) -> None:  # type: ignore[valid-type]
    rule = cohorts()
    config = SPACE.at({path: draw.random() for path in SPACE.parameters})  # type: ignore[attr-defined]
    other = SPACE.at({path: draw.random() for path in SPACE.parameters}, rule.fixed(config))  # type: ignore[attr-defined]
    assert shape(other) == shape(config)


def test_an_eighth_of_the_study_follows_a_draw_of_a_shape_and_as_many_follow_the_next_one() -> None:
    rule = cohorts(trials=80, size=5)
    for _ in range(9):
        rule.give(SPACE.default)
    assert rule.left(SPACE.default) == 1
    rule.give(SPACE.default)
    assert rule.left(SPACE.default) == 0
    rule.give(SPACE.default)
    assert rule.left(SPACE.default) == 9


def test_what_every_trial_has_in_common_is_no_reason_to_keep_any_apart() -> None:
    one = SearchSpace(lr=Float(1e-4, 1e-1, log=True), weight_decay=Float(1e-6, 1e-1, log=True), dropout=Float(0, 0.5))
    rule = CohortPolicy(one, lambda _: (), CohortSettings(size=None), trials=256)
    assert rule.shapes == 1
    assert rule.size(one.default) == 32
    for _ in range(255):
        rule.give(one.default)
        assert rule.left(one.default) > 0
    assert rule.fixed(one.default) == {}


@pytest.mark.parametrize(("widths", "draws"), [(2, 8), (3, 12), (4, 16), (40, 16)])
def test_the_fewer_shapes_there_are_the_more_trials_follow_a_draw_of_one(widths: int, draws: int) -> None:
    space = SearchSpace(width=Choice(*range(widths)), lr=Float(0, 1))
    rule = CohortPolicy(space, lambda config: config["width"], CohortSettings(size=None), trials=160)
    assert rule.shapes == min(16, widths)
    rule.give(space.default)
    assert rule.left(space.default) == math.ceil(160 / draws) - 1


def test_a_continuous_parameter_is_never_held_even_where_it_makes_the_shape() -> None:
    space = SearchSpace(width=Int(1, 9), slope=Float(0, 1), lr=Float(0, 1))
    rule = CohortPolicy(space, lambda config: (config["width"], config["slope"]), CohortSettings(size=8), trials=64)
    assert rule.fixed(space.default) == {"width": 5}
    bound = rule.bound(space.default)
    assert (bound.members, bound.reason) == (1, "each value of slope makes another model")


def test_what_explores_near_a_configuration_keeps_its_shape_continuous_parts_included() -> None:
    space = SearchSpace(slope=Float(0.1, 1), lr=Float(0.1, 1))
    rule = CohortPolicy(space, lambda config: config["slope"], CohortSettings(size=8), trials=64)
    near = rule.explored(space.default, seed=1)
    assert near["slope"] == space.default["slope"]
    assert near["lr"] != space.default["lr"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (cohorts(), "more are no faster on this device"),
        (cohorts(trials=64), "after 4 trials with a model of one shape the sampler chooses the shape again"),
        (cohorts(size=3), "cohort = 3"),
        (cohorts(key_of=lambda _: None), "the objective trains each alone"),
    ],
)
def test_a_cohort_says_why_it_has_not_more_members(rule: CohortPolicy, reason: str) -> None:
    assert rule.bound(SPACE.default).reason == reason


def test_a_model_is_built_once_for_each_configuration_however_often_shapes_are_compared() -> None:
    asked: list[Config] = []

    def counting(config: Config) -> object:
        asked.append(config)
        return shape(config)

    rule = cohorts(key_of=counting)
    for _ in range(5):
        rule.give(SPACE.default)
        rule.room(SPACE.default, members=1)
        rule.fixed(SPACE.default)
    assert len(asked) == len({str(config) for config in asked})


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
    assert short.bound(SPACE.default) == Bound(1, "it is not known yet how often they report")
    short.measured(0.01)
    long.measured(10.0)
    assert short.size(SPACE.default) == 10
    assert long.bound(SPACE.default) == Bound(1, "their reports are far enough apart to be answered one by one")


def test_with_one_worker_nothing_depends_on_time() -> None:
    rule = CohortPolicy(SPACE, lambda _: (), CohortSettings(size=None, interleaved=True), trials=800)
    rule.measured(0.001)
    assert rule.size(SPACE.default) == 1


def test_what_makes_the_shape_is_held_and_everything_else_varies() -> None:
    space = SearchSpace(width=Int(1, 9), lr=Float(0, 1))
    cohorts = CohortPolicy(space, lambda config: config["width"], CohortSettings(size=4), trials=8)
    assert cohorts.fixed(space.default) == {"width": 5}
