"""The fit of a Gaussian process, and functions drawn from it."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from tuner.samplers._gaussian_process import Kernel, Likelihood, Posterior, fitted

GROUPS = np.array([0, 1, 1])


def observed(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    features = generator.random((rows, 3))
    return features, np.sin(5 * features[:, 0]) + 0.01 * generator.standard_normal(rows)


def test_the_gradient_of_the_fit_is_that_of_its_value() -> None:
    likelihood = Likelihood(*observed(12), GROUPS)
    start = likelihood.start + np.linspace(-0.3, 0.4, len(likelihood.start))
    error = check_grad(lambda each: likelihood(each)[0], lambda each: likelihood(each)[1], start)
    assert error < 1e-4 * np.linalg.norm(likelihood(start)[1])


def test_a_parameter_that_does_not_matter_gets_a_longer_length_scale() -> None:
    kernel = fitted(*observed(60), GROUPS)
    assert kernel.weights[0] > 10 * kernel.weights[1]
    assert kernel.weights[1] == kernel.weights[2]
    assert kernel.noise < 0.05


@pytest.mark.parametrize("spread", [1.0, 0.3])
def test_drawn_functions_have_the_mean_of_the_posterior_and_so_much_of_its_spread(spread: float) -> None:
    features, values = observed(8)
    kernel = Kernel(weights=np.array([4.0, 1.0, 1.0]), variance=1.5, noise=0.01, mean=0.2)
    places = np.random.default_rng(1).random((5, 3))
    covariance = kernel.between(features, features) + 0.01 * np.eye(8)
    known = kernel.between(places, features)
    mean = 0.2 + known @ np.linalg.solve(covariance, values - 0.2)
    variance = 1.5 - np.einsum("ij,ji->i", known, np.linalg.solve(covariance, known.T))
    posterior, generator = Posterior(kernel, features, values), np.random.default_rng(2)
    drawn = np.array([posterior.draw(generator, spread)(places) for _ in range(1500)])
    assert np.allclose(drawn.mean(0), mean, atol=0.08)
    assert np.allclose(drawn.var(0), spread**2 * variance, rtol=0.25, atol=0.01 * spread**2)
