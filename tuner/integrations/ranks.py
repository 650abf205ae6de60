"""Trials of several processes, as torch.distributed and accelerate have them, for a part of an objective."""

from collections.abc import Callable

from tuner.domain.current_trial import current_trial
from tuner.domain.errors import ConfigurationError
from tuner.domain.trial import Trial
from tuner.execution.ranks.group import RankFailedError, StartMethod, run_ranks

__all__ = ["RankFailedError", "launch"]


def launch(function: Callable[[Trial], None], ranks: int, *, start_method: StartMethod = "spawn") -> None:
    """Call `function` with the current trial in each of so many processes on this machine, and wait until all are done.

    What `resources.ranks` does with the whole objective. The ranks find each other by the environment variables that
    torchrun sets, so `init_process_group("gloo")` and `Accelerator()` need no arguments. In a rank `trial.report` is
    collective: every rank calls it, and the metrics of rank 0 count. The `function` is one of a module. With
    `start_method="fork"` the ranks need not import torch again, which is sound only where this process has computed
    nothing and used no GPU so far. Raises `RankFailedError` when a rank fails.
    """
    if ranks < 1:
        raise ConfigurationError(f"launch(..., ranks={ranks}): at least 1 is needed")
    run_ranks(function, current_trial(), ranks, start_method)
