"""Configurations are dicts that nobody changes."""

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from tuner.domain.config import Config

CHANGES: list[Callable[[Config], object]] = [
    lambda config: config.__setitem__("a", 2),
    lambda config: config.__delitem__("a"),
    lambda config: config.clear(),
    lambda config: config.pop("a"),
    lambda config: config.popitem(),
    lambda config: config.setdefault("z", 1),
    lambda config: config.update(a=2),
    lambda config: config["nested"].update(b=2),
    lambda config: config.__ior__({"a": 2}),
]


def config() -> Config:
    return Config({"a": 1, "nested": {"b": [1, {"c": 2}]}})


@pytest.mark.parametrize("change", CHANGES)
def test_a_configuration_cannot_be_changed_however_deep(change: Callable[[Config], object]) -> None:
    made = config()
    with pytest.raises(TypeError, match="read-only"):
        change(made)
    assert made == config()


def test_what_it_was_made_of_can_be_changed_afterwards() -> None:
    source = {"nested": {"b": 1}}
    made = Config(source)
    source["nested"]["b"] = 2
    assert made == {"nested": {"b": 1}}


def test_it_is_a_dict_to_json_and_to_calls() -> None:
    assert json.loads(json.dumps(config())) == {"a": 1, "nested": {"b": [1, {"c": 2}]}}
    assert dict(**config())["a"] == 1


def test_it_travels_between_processes_and_stays_read_only() -> None:
    for other in (pickle.loads(pickle.dumps(config())), copy.deepcopy(config())):
        assert other == config()
        with pytest.raises(TypeError):
            other["nested"]["b"] = 1
