"""What people add to a study is tried before what its sampler proposes, each once, and counts towards its trials."""

from search_bench import HALVES, Bench, halves

from tuner import Choice, Float, SearchSpace
from tuner.domain.config import Config


def at(x: float) -> Config:
    return Config({"x": x})


def configs(source: Bench) -> list[Config]:
    return [source.writer.trials[number].config for number in sorted(source.writer.trials)]


def finish(source: Bench) -> None:
    while (assignment := source.controller.next_work()) is not None:
        members = [member.number for member in assignment.members]
        while members:
            update = source.report_all(dict.fromkeys(members, 0.5), 3)
            members = [member.number for member in update.joining]


def test_added_configurations_come_after_the_default_one_and_before_the_samplers_in_their_order() -> None:
    source = Bench(trials=4)
    source.queue.add(at(0.25), at(0.75))
    finish(source)
    assert configs(source)[1:3] == [at(0.25), at(0.75)]
    assert len(configs(source)) == 4
    assert source.writer.queued == {}


def test_one_that_is_added_while_the_study_runs_is_the_next() -> None:
    source = Bench(trials=4)
    source.take()
    source.take()
    source.queue.add(at(0.25))
    assert source.take().members[0].config == at(0.25)
    assert source.take().members[0].config != at(0.25)


def test_a_queue_that_was_not_read_again_since_gives_nothing_twice() -> None:
    source = Bench(trials=4)
    source.queue.add(at(0.25))
    known = source.queue.known
    finish(source)
    assert source.queue.known == known
    assert configs(source).count(at(0.25)) == 1


def test_what_is_beyond_the_target_waits() -> None:
    source = Bench(trials=2)
    source.queue.add(at(0.25), at(0.75))
    finish(source)
    assert source.controller.is_finished
    assert list(source.writer.queued.values()) == [at(0.75)]


def test_a_sampler_without_configurations_left_does_not_end_a_study_that_was_added_to() -> None:
    source = Bench(trials=4)
    source.sampler.limit = 1
    finish(source)
    assert source.controller.is_finished
    source.queue.add(at(0.25))
    assert not source.controller.is_finished
    finish(source)
    assert configs(source)[2:] == [at(0.25)]
    assert source.controller.is_finished


def test_a_cohort_of_another_shape_gets_nothing_until_what_was_added_has_a_place() -> None:
    source = Bench(trials=8, cohort=4, space=HALVES, key_of=halves)
    upper = Config({"half": "upper", "x": 0.25})
    source.queue.add(upper)
    assert [halves(member.config) for member in source.take().members] == ["lower"]  # the default configuration
    assert source.take().members[0].config == upper


def test_one_of_another_space_or_that_breaks_a_rule_is_taken_out_with_a_warning() -> None:
    ruled = SearchSpace(half=Choice("lower", "upper"), x=Float(0, 1)).require(
        "x is small", lambda config: config["x"] <= 0.5
    )
    source = Bench(trials=3, space=ruled)
    source.queue.add(Config({"y": 1}), Config({"half": "upper", "x": 0.9}), Config({"half": "upper", "x": 0.4}))
    finish(source)
    assert configs(source)[1] == {"half": "upper", "x": 0.4}
    assert len(configs(source)) == 3
    assert source.writer.queued == {}
    assert [warning.partition(":")[0] for warning in source.listener.warnings] == [
        "a configuration that was added is not tried, it is not of the search space",
        "a configuration that was added is not tried, it breaks the rule 'x is small'",
    ]
