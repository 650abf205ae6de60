"""What is carried over from earlier studies, and the sampler that proposes it first."""

from dataclasses import replace

from fakes import FakeSampler
from hypothesis import given
from hypothesis import strategies as st

from tuner import Choice, Float, Int, SearchSpace, TrialRecord, TrialState
from tuner.domain.config import Config
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.trial import Stage
from tuner.search.warm_start import MOST, SourceStudy, TransferredConfig, WarmStart, carried_over

SPACE = SearchSpace(
    x=Float(0, 1, default=0.5),
    shape=Choice(flat={}, steep={"slope": Float(1, 4, log=True, default=2.0)}),
    depth=Int(1, 9, default=3),
)


def config(x: float, slope: float | None = None, depth: int = 3) -> Config:
    shape = {"name": "flat"} if slope is None else {"name": "steep", "slope": slope}
    return Config({"x": x, "shape": shape, "depth": depth})


def trial(number: int, chosen: Config, state: TrialState = TrialState.COMPLETE) -> TrialRecord:
    return TrialRecord(number=number, state=state, config=chosen, value=1.0)


def earlier(*configs: Config, name: str = "before", space: SearchSpace | None = SPACE) -> SourceStudy:
    return SourceStudy(name=name, space=space, trials=[trial(number, each) for number, each in enumerate(configs)])


def configs(carried: tuple[TransferredConfig, ...]) -> list[Config]:
    return [each.config for each in carried]


def test_in_the_same_space_the_best_configurations_stay_what_they_are() -> None:
    best = [config(0.1, slope=3.0), config(0.7, depth=9)]
    assert configs(carried_over(SPACE, [earlier(*best)], 64)) == best


@given(st.integers(1, 1000))
def test_no_more_than_ten_and_an_eighth_of_the_study_are_carried_over_but_always_one(trials: int) -> None:
    many = earlier(*(config(index / 100) for index in range(20)))
    assert len(carried_over(SPACE, [many], trials)) == max(1, min(MOST, trials // 8))


def test_what_the_new_space_does_not_have_takes_the_nearest_value_or_the_default() -> None:
    space = SearchSpace(
        x=Float(0.6, 1), shape=Choice(flat={}, round={}), depth=Int(4, 10, step=3), width=Int(1, 64, default=8)
    )
    carried = carried_over(space, [earlier(config(0.1, slope=3.0, depth=9))], 64)
    assert configs(carried) == [Config({"x": 0.6, "shape": {"name": "flat"}, "depth": 10, "width": 8})]


def test_what_became_the_default_or_the_same_is_left_out() -> None:
    space = SearchSpace(x=Float(0.5, 1, default=0.5))
    carried = carried_over(space, [earlier(config(0.2), config(0.9), config(0.9, slope=2.0), config(0.8))], 64)
    assert configs(carried) == [Config({"x": 0.9}), Config({"x": 0.8})]
    assert [each.number for each in carried] == [1, 3]


def test_what_breaks_a_rule_is_left_out_and_the_next_best_takes_its_place() -> None:
    space = SearchSpace(x=Float(0, 1), depth=Int(1, 9)).require("deep enough", lambda each: bool(each["depth"] > 2))
    carried = carried_over(space, [earlier(config(0.2, depth=1), config(0.3))], 8)
    assert configs(carried) == [Config({"x": 0.3, "depth": 3})]


def test_several_studies_give_their_best_in_turn() -> None:
    first, second = earlier(config(0.1), config(0.2), name="a"), earlier(config(0.3), name="b")
    carried = carried_over(SPACE, [first, second], 64)
    assert [(each.study, each.config["x"]) for each in carried] == [("a", 0.1), ("b", 0.3), ("a", 0.2)]


def test_a_study_of_plain_optuna_has_its_parameters_by_path() -> None:
    plain = earlier(Config({"x": 0.25, "shape": "steep", "shape.steep.slope": 1.5, "other": "y"}), space=None)
    assert plain.has_in_common(SPACE)
    assert configs(carried_over(SPACE, [plain], 64)) == [config(0.25, slope=1.5)]


def test_spaces_without_a_common_parameter_have_none() -> None:
    assert not earlier(config(0.1)).has_in_common(SearchSpace(width=Int(1, 8)))


def test_what_was_carried_over_survives_being_stored() -> None:
    (carried,) = carried_over(SPACE, [earlier(config(0.1, slope=3.0))], 8)
    assert TransferredConfig.parsed(carried.describe()) == carried


def warm(*left: Config) -> tuple[WarmStart, FakeSampler]:
    inner = FakeSampler(SPACE)
    origins = [Origin(kind=OriginKind.START, number=place) for place in range(len(left))]
    return WarmStart(inner, SPACE, left, origins), inner


def test_what_was_carried_over_is_proposed_first_and_then_the_sampler_goes_on() -> None:
    sampler, inner = warm(config(0.1), config(0.2))
    proposals = []
    for number in (1, 2, 3):
        chosen = sampler.suggest(number)
        assert chosen is not None
        proposals.append(chosen)
        sampler.observe(trial(number, chosen, TrialState.RUNNING))
    assert proposals == [config(0.1), config(0.2), inner.suggest(3)]
    assert [each.number for each in inner.observed] == [1, 2, 3]


def test_a_cohort_is_given_what_has_its_shape_and_nothing_else_while_something_is_left() -> None:
    sampler, inner = warm(config(0.1), config(0.2, slope=3.0))
    steep = {"shape": "steep"}
    assert sampler.suggest(1, steep) == config(0.2, slope=3.0)
    sampler.observe(trial(1, config(0.2, slope=3.0), TrialState.RUNNING))
    assert sampler.suggest(2, steep) is None
    sampler.observe(trial(2, config(0.1), TrialState.RUNNING))
    assert sampler.suggest(3, steep) == inner.suggest(3, steep) is not None


def test_a_rebuilt_one_knows_what_was_tried_even_where_it_went_on_with_something_else() -> None:
    sampler, inner = warm(config(0.1))
    stages = (Stage(epoch=0, config=config(0.1)), Stage(epoch=3, config=config(0.9), source=0))
    sampler.observe(replace(trial(1, config(0.9)), schedule=stages))
    assert sampler.suggest(2) == inner.suggest(2)
