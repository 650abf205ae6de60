"""The law that draws near a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.domain.prior import option_near, quantile_near

shares = st.floats(0, 1)
EVENLY = [(index + 0.5) / 1_000 for index in range(1_000)]


@given(shares, shares)
def test_a_draw_lies_in_the_range(guess: float, quantile: float) -> None:
    assert 0 <= quantile_near(guess, quantile) <= 1


@given(shares, shares, shares)
def test_a_higher_quantile_is_no_lower_value(guess: float, one: float, other: float) -> None:
    assert quantile_near(guess, min(one, other)) <= quantile_near(guess, max(one, other))


@pytest.mark.parametrize("guess", [0.0, 0.2, 0.5, 1.0])
def test_most_draws_lie_within_a_quarter_of_the_range_and_some_anywhere(guess: float) -> None:
    drawn = [quantile_near(guess, each) for each in EVENLY]
    assert sum(abs(each - guess) <= 0.25 for each in drawn) > 600
    assert max(abs(each - guess) for each in drawn) > 0.45


def test_half_of_the_draws_and_its_share_of_the_others_take_the_likely_option() -> None:
    drawn = [option_near(1, 4, each) for each in EVENLY]
    assert [drawn.count(each) for each in range(4)] == [125, 625, 125, 125]
