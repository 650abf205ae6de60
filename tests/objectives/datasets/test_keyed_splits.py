"""Splits by group and by time."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import ConfigurationError
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array, SplitBy, SplitKind
from tuner.objectives.datasets._splitting import Split, split


def by(kind: SplitKind, values: Array) -> SplitBy:
    return SplitBy(kind=kind, column="key", values=values)


def parts(found: Split) -> list[Array]:
    return [each for each in (found.train, found.validation, found.test) if len(each)]


def is_partition(found: Split, rows: int) -> bool:
    return bool((np.sort(np.concatenate(parts(found))) == np.arange(rows)).all())


@settings(deadline=None)
@given(st.integers(3, 60), st.integers(0, 400), st.sampled_from(Task), st.sampled_from([0.0, 0.2]))
def test_rows_of_one_group_are_in_one_part(groups: int, more: int, task: Task, test: float) -> None:
    rng = np.random.default_rng([groups, more])
    keys = rng.permutation(np.concatenate([np.arange(groups), rng.integers(0, groups, more)]))
    targets = rng.integers(0, 3, len(keys))
    found = split(targets, task=task, validation=0.2, test=test, seed=1, by=by(SplitKind.GROUP, keys))
    assert is_partition(found, len(keys))
    assert len(parts(found)) == (3 if test else 2)
    assert sum(len(np.unique(keys[part])) for part in parts(found)) == groups
    assert found.groups is keys


@settings(deadline=None)
@given(st.integers(3, 60), st.integers(0, 400), st.sampled_from([0.0, 0.2, 0.5]))
def test_earlier_rows_train_and_the_latest_test(times: int, more: int, test: float) -> None:
    rng = np.random.default_rng([times, more])
    keys = rng.permutation(np.concatenate([np.arange(times), rng.integers(0, times, more)])).astype(np.float64)
    found = split(
        np.zeros(len(keys)), task=Task.REGRESSION, validation=0.2, test=test, seed=1, by=by(SplitKind.TIME, keys)
    )
    assert is_partition(found, len(keys))
    assert len(parts(found)) == (3 if test else 2)
    for before, after in pairwise(parts(found)):
        assert keys[before].max() < keys[after].min()


def test_groups_and_times_meet_the_shares_where_they_can() -> None:
    keys = np.repeat(np.arange(100), 5)
    targets = np.random.default_rng(0).permutation(np.repeat([0, 1], [400, 100]))
    for kind in SplitKind:
        found = split(targets, task=Task.CLASSIFICATION, validation=0.2, test=0.2, seed=0, by=by(kind, keys))
        assert [len(part) for part in parts(found)] == [300, 100, 100]
    found = split(targets, task=Task.CLASSIFICATION, validation=0.2, test=0.2, seed=0, by=by(SplitKind.GROUP, keys))
    assert [targets[part].mean() for part in parts(found)] == pytest.approx([0.2, 0.2, 0.2], abs=0.02)


def test_another_seed_splits_groups_in_another_way_and_times_alike() -> None:
    keys, targets = np.repeat(np.arange(100), 5), np.zeros(500)

    def trained(kind: SplitKind, seed: int) -> list[int]:
        found = split(targets, task=Task.REGRESSION, validation=0.2, test=0.2, seed=seed, by=by(kind, keys))
        return [*found.train.tolist()]

    assert trained(SplitKind.GROUP, 0) == trained(SplitKind.GROUP, 0) != trained(SplitKind.GROUP, 1)
    assert trained(SplitKind.TIME, 0) == trained(SplitKind.TIME, 1)


def test_one_group_of_nearly_all_rows_leaves_the_others_to_validate_and_test() -> None:
    keys = np.array([0] * 96 + [1, 1, 2, 2])
    found = split(np.zeros(100), task=Task.REGRESSION, validation=0.2, test=0.2, seed=0, by=by(SplitKind.GROUP, keys))
    assert [len(part) for part in parts(found)] == [96, 2, 2]


@pytest.mark.parametrize(
    ("kind", "keys", "test", "said"),
    [
        (SplitKind.GROUP, [0, 0, 0, 0], 0.2, "has 1 group, and training, validation and test need one each"),
        (SplitKind.GROUP, [0, 1, 0, 1], 0.2, "has 2 groups, and training, validation and test need one each"),
        (SplitKind.TIME, [5, 5, 5, 5], 0.0, "has 1 different time, and training and validation need one each"),
    ],
)
def test_fewer_groups_or_times_than_parts_are_refused(kind: SplitKind, keys: list[int], test: float, said: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"settings\.{kind.value}: column 'key' {said}"):
        split(np.zeros(4), task=Task.REGRESSION, validation=0.2, test=test, seed=0, by=by(kind, np.array(keys)))
