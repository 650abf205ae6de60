import pytest
from search_quality.simulation import Run
from search_quality.table import Key, lines, mean_ranks, regrets_of
from tiny_task import tiny_task

TASK = tiny_task()
SYSTEMS = ("ours", "theirs")


def run(first: float, last: float, incumbent: int = 5) -> Run:
    return Run(values=(first, first, last), incumbents=(incumbent,) * 3, trials=10, seconds=0.1, busy=1.0)


RUNS: dict[Key, Run] = {
    (TASK.name, 0, 8, "ours"): run(0.6, 1.0),
    (TASK.name, 1, 8, "ours"): run(0.9, 0.9),
    (TASK.name, 0, 8, "theirs"): run(0.3, 0.8),
    (TASK.name, 1, 8, "theirs"): run(0.9, 0.8, incumbent=0),
}
REGRETS = regrets_of(RUNS, [TASK])


def test_regret_is_0_at_the_best_value_and_1_at_the_median_random_one() -> None:
    _, median = TASK.scale
    assert REGRETS[TASK.name, 0, 8, "ours"][-1] == 0
    assert REGRETS[TASK.name, 0, 8, "theirs"][-1] == pytest.approx(0.2 / (1 - median))


def test_equal_regrets_share_their_ranks() -> None:
    equal = {(TASK.name, 0, 8, system): (0.1, 0.1, 0.1) for system in ("a", "b", "c")}
    assert mean_ranks(equal, "abc") == {"a": 2.0, "b": 2.0, "c": 2.0}
    assert mean_ranks(REGRETS, SYSTEMS) == {"ours": 1.0, "theirs": 2.0}


def test_the_table_has_what_each_system_found_and_how_often_a_quarter_of_the_budget_bought_nothing() -> None:
    _, ours, theirs, *differences = lines(RUNS, REGRETS, SYSTEMS, workers=8)
    assert ours.split()[-2] == "0%"
    assert theirs.split()[-2] == "100%", "one is worse than the median, the other one's best is its first trial"
    assert ours.split()[-3] == theirs.split()[-3] == "10.0"
    assert [line.partition(":")[0].strip() for line in differences] == [
        "theirs minus ours, lcbench",
        "theirs minus ours, all",
    ]
    assert "100%: +0.3" in differences[0]
    assert differences[0].endswith("(2:0)")


def test_the_table_of_one_number_in_flight_leaves_other_numbers_out() -> None:
    alone: dict[Key, Run] = {(TASK.name, 0, 1, system): run(0.1, 0.1) for system in SYSTEMS}
    both = RUNS | alone
    assert list(lines(both, regrets_of(both, [TASK]), SYSTEMS, workers=8)) == list(
        lines(RUNS, REGRETS, SYSTEMS, workers=8)
    )
