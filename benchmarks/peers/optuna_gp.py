# /// script
# dependencies = ["optuna==5.0.0", "numpy==2.4.6", "scipy==1.17.1", "torch==2.13.0"]
# ///
"""Optuna's Gaussian process and Hyperband; what not every trial has is drawn at random, for it is not modelled."""

from _optuna import Optuna
from _protocol import Search, serve
from optuna.samplers import GPSampler


def made(search: Search) -> Optuna:
    """Return the peer."""
    return Optuna(search, GPSampler(seed=search.seed, warn_independent_sampling=False))


if __name__ == "__main__":
    serve(made)
