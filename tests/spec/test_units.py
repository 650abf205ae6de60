from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.spec.units import duration_text, parse_duration, parse_size, size_text


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172800), ("0.5h", 1800)]
)
def test_durations_are_written_as_people_say_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("200", 200), ("1 B", 1), ("200MB", 200 * 10**6), ("1.5KiB", 1536), ("8 GiB", 8 * 2**30)]
)
def test_sizes_are_written_as_people_say_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["8GiB/2", "200MB per worker", "5mbit", "", "GiB", "1e3"])
def test_what_is_more_than_a_size_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("parse", "value", "words"),
    [
        (parse_duration, "soon", "is not a duration"),
        (parse_duration, "101000d", "longer than a hundred years"),
        (parse_duration, 1e300, "longer than a hundred years"),
        (parse_size, "99999999999GiB", "more than any machine has"),
    ],
)
def test_what_is_no_quantity_of_ours_is_refused(parse: Callable[[object], object], value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(value)


@given(st.integers(1, 10**9) | st.floats(0.001, 1e9))
def test_a_duration_in_words_is_the_same_duration(duration: float) -> None:
    assert parse_duration(duration_text(duration)) == duration


@given(st.integers(1, 2**62))
def test_a_size_in_words_is_the_same_size(count: int) -> None:
    assert parse_size(size_text(count)) == count
