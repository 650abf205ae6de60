"""What a trial is given of a machine, and the limits at which it is ended."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, final

from tuner.domain.key import Key, Unit

AUTO: Final = "auto"
"""The word for "as many as fit"."""

Count = int | Literal["auto"]
ParallelMode = Literal["free", "reproducible"]
Share = float | Literal["auto"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a cohort is given, how many run at a time (`parallel`) and how many trials make one (`cohort`).

    `cpu` and `gpu` are those of each of the `ranks`, which lie on one machine. With `gpu` "auto" it is given a GPU
    where the machine has one and the objective can use it.

    With `share_process` the trials of an objective that is a function take turns in one process, instead of having a
    process each. In the `parallel_mode` "reproducible" trial n begins once all trials up to n - `parallel` are over,
    and depends on their results alone: a study with the same seed is the same on every machine.
    """

    cpu: Annotated[float, Key(words="of a trial, or of each rank", above=0)] = 1
    gpu: Annotated[
        Share, Key(words='one, several, or a fraction such as 0.25; "auto": one where it is of use', least=0)
    ] = AUTO
    ranks: Annotated[
        int, Key(words="processes of a trial, which torch.distributed connects; each has cpu and gpu", least=1)
    ] = 1
    parallel: Annotated[Count, Key(words='cohorts at a time; "auto": as many as fit', least=1)] = AUTO
    cohort: Annotated[Count, Key(words='trials to a cohort; "auto": as many as serve; 1: each alone', least=1)] = AUTO
    parallel_mode: Annotated[
        ParallelMode, Key(words='"free", or "reproducible": the same study again, whichever trial is faster')
    ] = "free"
    share_process: Annotated[bool, Key(words="true: the trials of a function take turns in one process")] = False

    @property
    def threads(self) -> int:
        """How many threads each process of a trial computes with."""
        return max(1, int(self.cpu))

    @property
    def num_cpus(self) -> float:
        """How many processors a cohort has, with all of its ranks."""
        return self.cpu * self.ranks

    @property
    def num_gpus(self) -> float:
        """How many GPUs a cohort has, with all of its ranks: none as long as "auto" is not decided."""
        return 0.0 if self.gpu == AUTO else float(self.gpu) * self.ranks


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What ends a trial that goes wrong without failing; None: no limit. Seconds and bytes.

    `start` is how long a worker may take to get ready, `progress` how long nothing may be reported, `time` how long a
    trial may take in all, `memory` and `output` what its worker, with its children, may use and print. They need
    worker processes: a trial in the study's own process has only `time`.
    """

    start: Annotated[float | None, Key(words="until a worker is ready", unit=Unit.SECONDS)] = 600.0
    progress: Annotated[float | None, Key(words="without a report", unit=Unit.SECONDS)] = 6 * 3600.0
    time: Annotated[float | None, Key(words='a trial in all, such as "2h"', unit=Unit.SECONDS)] = None
    memory: Annotated[int | None, Key(words='a trial with all it has started, such as "8GiB"', unit=Unit.BYTES)] = None
    output: Annotated[int | None, Key(words="what it prints", unit=Unit.BYTES)] = 200 * 2**20
