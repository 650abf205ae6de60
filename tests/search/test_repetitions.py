from tuner import Choice, Float, SearchSpace
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.search.repetitions import Repetitions

SPACE = SearchSpace(x=Float(0, 1), kind=Choice("a", "b"))
FIRST, SECOND = Config({"x": 0.5, "kind": "a"}), Config({"x": 0.25, "kind": "b"})


def repetitions(times: int = 2) -> Repetitions:
    return Repetitions(SPACE, Goal.of("accuracy", Direction.MAXIMIZE), 0, configs=[FIRST, SECOND], times=times)


def begun(number: int, config: Config) -> TrialRecord:
    return TrialRecord(number=number, state=TrialState.RUNNING, config=config)


def test_every_configuration_is_proposed_so_many_times() -> None:
    sampler = repetitions()
    proposed: list[Config] = []
    while (config := sampler.suggest(len(proposed))) is not None:
        sampler.observe(begun(len(proposed), config))
        proposed.append(config)
    assert proposed == [FIRST, FIRST, SECOND, SECOND]
    assert sampler.left == 0


def test_a_trial_that_is_observed_again_counts_once() -> None:
    sampler = repetitions(times=1)
    for _ in range(3):
        sampler.observe(begun(0, FIRST))
    assert sampler.left == 1
    assert sampler.suggest(1) == SECOND


def test_a_proposal_has_the_values_that_are_held() -> None:
    sampler = repetitions()
    assert sampler.suggest(0, {"kind": "b"}) == SECOND
    assert sampler.suggest(0, {"kind": "c"}) is None


def test_other_configurations_do_not_count() -> None:
    sampler = repetitions()
    sampler.observe(begun(0, Config({"x": 0.1, "kind": "a"})))
    assert sampler.left == 4
