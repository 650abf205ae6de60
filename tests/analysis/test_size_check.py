"""Probes at small sizes say how activations grow, and what a larger size costs."""

import pytest

from tuner.analysis.size_check import SizeCheck, size_check
from tuner.domain.size_probe import SizeProbe


def probe(size: int, after: float) -> SizeProbe:
    return SizeProbe(
        weights=size**2,
        epoch_steps=50,
        state_bytes=16 * size**2,
        step_bytes=1000 * size,
        seconds=size / 1000,
        activations={"hidden": (1.0, after), "still": (0.0, 0.0)},
    )


def checked(power: float) -> SizeCheck:
    probes = {size: probe(size, (size / 32) ** power) for size in (32, 64, 128)}
    return size_check("width", 5, probes, (1024, SizeProbe(weights=1_100_000, epoch_steps=50)), 10)


@pytest.mark.parametrize(("power", "is_steady"), [(0.0, True), (0.2, True), (1.0, False), (-0.5, True)])
def test_activations_that_steps_move_more_in_larger_models_are_not_steady(power: float, *, is_steady: bool) -> None:
    (growth,) = checked(power).growth  # what is 0 has no slope
    assert (growth.activation, growth.initially) == ("hidden", 0.0)
    assert growth.trained == pytest.approx(power)
    assert growth.is_steady is is_steady


def test_a_targets_bytes_and_seconds_follow_its_weights_and_the_power_of_the_size() -> None:
    check = checked(0.0)
    assert check.target_bytes == pytest.approx(16 * 1_100_000 + 1000 * 1024)
    assert check.target_seconds == pytest.approx(1.024 * 50 * 10)


def test_the_json_form_has_every_size() -> None:
    described = checked(1.0).describe()
    assert [each["size"] for each in described["sizes"]] == [32, 64, 128]
    assert described["target"]["weights"] == 1_100_000
    assert described["growth"][0]["is_steady"] is False
