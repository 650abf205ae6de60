"""Where Ray's loop runs a study: in a private Ray on this machine, or on the nodes of a cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What differs between the two.

    Ray Tune writes into `folder`. `template` is the address of one that the workers share; None where there is none.
    `parallel` returns how many cohorts run at a time now: where it `is_cluster`, nodes come and go. `check` raises what
    ends the run, such as `ClusterLostError` once the cluster's head is lost.
    """

    folder: Path
    template: Path | None
    parallel: Callable[[], int]
    is_cluster: bool = False
    check: Callable[[], None] = lambda: None
