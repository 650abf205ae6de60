"""What the nodes of a cluster have, and how much of a study runs on them at a time."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class NodeCapacity:
    """The processors and GPUs of one node."""

    cpu: float
    gpu: float

    def fits(self, cpu: float, gpu: float) -> int:
        """Return how many cohorts with so many processors and GPUs run on it at a time."""
        by_cpu = int(self.cpu / cpu + 1e-9) if cpu else int(self.cpu)
        return min(by_cpu, int(self.gpu / gpu + 1e-9)) if gpu else by_cpu


@final
@dataclass(frozen=True, slots=True)
class Capacity:
    """The nodes of a cluster as they are now; others may come, and these may go."""

    nodes: tuple[NodeCapacity, ...]

    @property
    def cpu(self) -> float:
        """The processors of all nodes."""
        return sum(node.cpu for node in self.nodes)

    @property
    def gpu(self) -> float:
        """The GPUs of all nodes."""
        return sum(node.gpu for node in self.nodes)

    def cohorts_at_a_time(self, cpu: float, gpu: float) -> int:
        """Return how many cohorts of this size fit on the nodes at once, at least one: a node for it may come."""
        return max(1, sum(node.fits(cpu, gpu) for node in self.nodes))

    def missing(self, cpu: float, gpu: float) -> tuple[str, ...]:
        """Return what of one cohort's demand no node has, one line each; each node has to meet all of it."""
        most_cpu = max((node.cpu for node in self.nodes), default=0)
        most_gpu = max((node.gpu for node in self.nodes), default=0)
        problems = []
        if cpu > most_cpu:
            problems.append(
                f"resources.cpu: {cpu:g} processors are asked for and no node of the cluster has more than {most_cpu:g}"
            )
        if gpu > most_gpu:
            has = f"no node of the cluster has more than {most_gpu:g}" if most_gpu else "the cluster has none"
            problems.append(f"resources.gpu: {gpu:g} GPU is asked for and {has}")
        return tuple(problems)
