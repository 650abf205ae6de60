"""A Gaussian process with a length scale for each parameter: its fit, its posterior, and draws from it.

Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", algorithms 2.1 and 5.1. The priors of the length
scales grow with the number of parameters as Hvarfner et al. 2024, "Vanilla Bayesian Optimization Performs Great in High
Dimensions", have them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from tuner.samplers._encoding import Integers, Matrix, Vector

_ROOT_5 = math.sqrt(5.0)
_LEAST_NOISE = 1e-6
_COSINES = 256
"""How many cosines a drawn function is made of."""

_STEPS = 20
"""Steps of the fit at most: what is left after them changes proposals less than a further report."""

_SPREAD_OF_SCALES = 1.2
_MOST_LOG_SCALE = (-4.0, 5.0)


@final
@dataclass(frozen=True, slots=True)
class Kernel:
    """A Matérn kernel of smoothness 5/2 with its mean: `weights` are the inverse squared length scales by column."""

    weights: Vector
    variance: float
    noise: float
    mean: float

    def between(self, left: Matrix, right: Matrix) -> Matrix:
        """Return the covariances of the rows of `left` with those of `right`."""
        scale = np.sqrt(self.weights)
        one, other = left * scale, right * scale
        squares = (one * one).sum(1)[:, None] + (other * other).sum(1)[None] - 2.0 * one @ other.T
        return self.variance * _matern(np.sqrt(np.maximum(squares, 0.0)))


@final
class Posterior:
    """What is known of a function after values at some rows of features were observed."""

    def __init__(self, kernel: Kernel, features: Matrix, values: Vector) -> None:
        self._kernel = kernel
        self._features = features
        covariance = kernel.between(features, features)
        covariance[np.diag_indices(len(values))] += kernel.noise
        self._values = values
        self._factor = cho_factor(covariance, lower=True)

    def draw(self, generator: np.random.Generator, spread: float = 1.0) -> Callable[[Matrix], Vector]:
        """Return a function drawn from the posterior, which takes rows of features.

        Its distance from the posterior's mean is multiplied by `spread`: 0 gives the mean itself.
        It is a function of the prior, made of random cosines (Rahimi and Recht 2007), that is corrected by what was
        observed (Wilson et al. 2020, "Efficiently Sampling Functions from Gaussian Process Posteriors").
        """
        kernel = self._kernel
        columns = self._features.shape[1]
        # The spectrum of a Matérn kernel of smoothness 5/2 is a t distribution with five degrees of freedom.
        stretch = np.sqrt(5.0 / generator.chisquare(5.0, _COSINES))
        frequencies = np.sqrt(kernel.weights)[:, None] * generator.standard_normal((columns, _COSINES)) * stretch
        phases = generator.uniform(0.0, 2.0 * math.pi, _COSINES)
        weights = spread * math.sqrt(2.0 * kernel.variance / _COSINES) * generator.standard_normal(_COSINES)

        def prior(features: Matrix) -> Vector:
            drawn: Vector = np.cos(features @ frequencies + phases) @ weights
            return drawn

        noise = spread * math.sqrt(kernel.noise) * generator.standard_normal(len(self._values))
        correction = cho_solve(self._factor, self._values - kernel.mean - prior(self._features) - noise)
        return lambda features: kernel.mean + prior(features) + kernel.between(features, self._features) @ correction


def fitted(features: Matrix, values: Vector, groups: Integers) -> Kernel:
    """Return the kernel with the highest posterior density given standardised `values` at the rows of `features`.

    Columns of one group (0, 1, ...) share a length scale.
    """
    count = int(groups.max()) + 1
    likelihood = Likelihood(features, values, groups)
    bounds = [_MOST_LOG_SCALE] * count + [(-4.0, 4.0), (-8.0, 1.0), (-3.0, 3.0)]
    found = minimize(
        likelihood, likelihood.start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}
    ).x
    return Kernel(
        weights=np.exp(-2.0 * found[:count])[groups],
        variance=math.exp(found[count]),
        noise=math.exp(found[count + 1]) + _LEAST_NOISE,
        mean=float(found[count + 2]),
    )


@final
class Likelihood:
    """The negative log posterior of log length scales, log variance, log noise and mean, with its gradient."""

    def __init__(self, features: Matrix, values: Vector, groups: Integers) -> None:
        self._values = values
        self._groups = int(groups.max()) + 1
        rows = len(values)
        squares = np.zeros((self._groups, rows, rows))
        for column, group in enumerate(groups):
            difference = features[:, column, None] - features[None, :, column]
            squares[group] += difference * difference
        self._squares = squares.reshape(self._groups, -1)
        typical = math.sqrt(2.0) + 0.5 * math.log(self._groups) - 1.0
        self._centres = np.array([typical] * self._groups + [0.0, -3.0, 0.0])
        self._spreads = np.array([_SPREAD_OF_SCALES] * self._groups + [1.0, 1.0, 1.0])
        self.start = self._centres.copy()
        self.start[: self._groups] -= 0.5

    def __call__(self, parameters: Vector) -> tuple[float, Vector]:
        groups, rows = self._groups, len(self._values)
        weights = np.exp(-2.0 * parameters[:groups])
        variance, noise, mean = math.exp(parameters[groups]), math.exp(parameters[groups + 1]), parameters[groups + 2]
        distances = np.sqrt(weights @ self._squares).reshape(rows, rows)
        unit = _matern(distances)
        covariance = variance * unit
        covariance[np.diag_indices(rows)] += noise + _LEAST_NOISE
        factor = cho_factor(covariance, lower=True)
        residuals = self._values - mean
        solved = cho_solve(factor, residuals)
        # The gradient of the log likelihood by the covariance, twice.
        sensitivity = np.outer(solved, solved) - cho_solve(factor, np.eye(rows))
        slope = variance * 5.0 / 3.0 * (1.0 + _ROOT_5 * distances) * np.exp(-_ROOT_5 * distances)
        gradient = np.empty_like(parameters)
        gradient[:groups] = -0.5 * weights * (self._squares @ (sensitivity * slope).ravel())
        gradient[groups] = -0.5 * variance * float((sensitivity * unit).sum())
        gradient[groups + 1] = -0.5 * noise * float(np.trace(sensitivity))
        gradient[groups + 2] = -float(solved.sum())
        off = (parameters - self._centres) / self._spreads
        loss = 0.5 * float(residuals @ solved) + float(np.log(np.diag(factor[0])).sum()) + 0.5 * float(off @ off)
        return loss, gradient + off / self._spreads


def _matern(distances: Matrix) -> Matrix:
    matrix: Matrix = (1.0 + _ROOT_5 * distances + 5.0 / 3.0 * distances * distances) * np.exp(-_ROOT_5 * distances)
    return matrix
