"""A configuration notes what is asked of it, however that is done."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tuner.domain.config import Config
from tuner.objectives.training.recorded_config import Path, Watched, values_at

CONFIG = Config({"width": 8, "lr": 0.1, "body": {"name": "mlp", "depth": 2}, "sizes": [1, 2]})


def taking(width: int, **rest: Any) -> int:
    return width + len(rest)


@pytest.mark.parametrize(
    ("read", "seen"),
    [
        (lambda config: config["width"], [("width",)]),
        (lambda config: config.get("nothing", 3), [("nothing",)]),
        (lambda config: "nothing" in config, [("nothing",)]),
        (lambda config: config["body"]["depth"], [("body", "depth")]),
        (lambda config: config["body"].get("depth"), [("body", "depth")]),
        (lambda config: taking(**config), [(), ("width",), ("lr",), ("sizes",)]),
        (lambda config: {**config["body"]}, [("body",), ("body", "name"), ("body", "depth")]),
        (lambda config: dict(config["body"]), [("body",), ("body", "name"), ("body", "depth")]),
        (lambda config: json.dumps(config["body"]), [("body",)]),
        (lambda config: list(config["body"].items()), [("body",)]),
        (lambda config: copy.deepcopy(config["body"]), [("body",)]),
        (lambda config: str(config["body"]), [("body",)]),
        (lambda config: config["body"] == {}, [("body",)]),
        (lambda config: config["body"] | {}, [("body",)]),
        (lambda config: len(config["body"]), [("body",)]),
        (lambda config: "{name}".format_map(config["body"]), [("body", "name")]),
        (lambda config: "%(name)s" % config["body"], [("body", "name")]),  # noqa: UP031 - a way to read
    ],
)
def test_what_is_read_is_noted_and_is_what_it_is_without_being_watched(
    read: Callable[[Config], object], seen: list[Path]
) -> None:
    noted: dict[Path, None] = {}
    assert read(Watched(CONFIG, noted)) == read(CONFIG)
    assert list(noted) == seen


def test_what_is_missing_is_noted_and_missing() -> None:
    noted: dict[Path, None] = {}
    with pytest.raises(KeyError):
        Watched(CONFIG, noted)["nothing"]
    assert list(noted) == [("nothing",)]


def test_configurations_agree_where_all_that_was_read_is_the_same() -> None:
    paths: tuple[Path, ...] = (("width",), ("body",), ("nothing",))
    assert values_at(CONFIG, paths) == values_at(Config({**CONFIG, "lr": 7}), paths)
    assert values_at(CONFIG, paths) != values_at(Config({**CONFIG, "width": 8.0}), paths)
    assert values_at(CONFIG, paths) != values_at(Config({**CONFIG, "nothing": 1}), paths)
    assert values_at(CONFIG, paths) != values_at(Config({**CONFIG, "body": "mlp"}), paths)
