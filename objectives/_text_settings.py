"""Checks of settings that objectives on text share: values, words, shares of a split, and parts of enough tokens."""

import glob
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives.text.token_cache import TokenData

Check = tuple[Callable[[Any], bool], str]
"""Whether a value is right, and what it is not where it is wrong."""


def is_count(value: object) -> bool:
    """Whether a value is a whole number above 0."""
    return type(value) is int and value > 0


def is_share(value: object) -> bool:
    """Whether a value is a number from 0 on and below 1."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1


COUNT: Check = (is_count, "a whole number above 0")
FLAG: Check = (lambda value: isinstance(value, bool), "true or false")

OF_SPLITS: Mapping[str, Check] = {
    "near_duplicates": (lambda value: value == 1 or is_share(value), "a number from 0 (exact ones only) to 1"),
    "validation": (lambda value: is_share(value) and value > 0, "a number above 0 and below 1"),
    "test": (is_share, "a number from 0 to 1"),
}
"""Checks of the settings that say how documents are split."""


def unknown_settings(values: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    """Yield which keys are no settings."""
    yield from (f"{key}: unknown setting{nearest(key, known)}" for key in values if key not in known)


def value_problems(values: Mapping[str, Any], checks: Mapping[str, Check]) -> Iterator[str]:
    """Yield which of the given values are not what they have to be."""
    for key, (is_right, wanted) in checks.items():
        if key in values and not is_right(values[key]):
            yield f"{key}: {values[key]!r} is not {wanted}"


def word_problems(values: Mapping[str, Any], words: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Yield which of the given values are none of the words that there are."""
    for key, known in words.items():
        if key in values and values[key] not in known:
            yield f"{key}: {values[key]!r} is none of {', '.join(known)}{nearest(str(values[key]), known)}"


def split_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield that the shares of the split leave nothing to train on."""
    shares = [values.get(key, 0.1) for key in ("validation", "test")]
    if all(map(is_share, shares)) and sum(shares) >= 1:
        yield "validation: with the test share it leaves nothing to train on"


def found_in(folders: Sequence[Path], given: str) -> str:
    """Return the absolute path or pattern in the first of the folders that has it; what none has stays as it is."""
    places = [folder / Path(given).expanduser() for folder in folders]
    return next((str(place.absolute()) for place in places if glob.glob(str(place), recursive=True)), given)  # noqa: PTH207 - may be absolute


def refuse_short_parts(tokens: TokenData, context: int, test: float) -> None:
    """Raise `ConfigurationError` where a part of the split has not even one window of tokens and the next one."""
    for name, each in tokens.parts.items():
        if each.count <= context and (name != "test" or test > 0):
            raise ConfigurationError(
                f"settings.context: {context} tokens and the next one are more than the {name} part has: {each.count}",
                hint="a smaller context, more text, or larger shares that validate and test",
            )
