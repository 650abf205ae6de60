# /// script
# dependencies = ["optuna==5.0.0", "numpy==2.4.6"]
# ///
"""Optuna's TPE with what its documentation advises for conditional spaces and parallel trials, and Hyperband."""

import warnings

from _optuna import Optuna
from _protocol import Search, serve
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler


def made(search: Search) -> Optuna:
    """Return the peer."""
    warnings.simplefilter("ignore", ExperimentalWarning)
    return Optuna(search, TPESampler(multivariate=True, group=True, constant_liar=True, seed=search.seed))


if __name__ == "__main__":
    serve(made)
