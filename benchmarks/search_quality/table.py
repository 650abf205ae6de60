"""Tables of runs: regret, rank, the price of a proposal, and differences between systems by task and seed."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from search_quality.simulation import FRACTIONS, Run
from search_quality.tasks import Task

Key = tuple[str, int, int, str]
"""Task, seed, number in flight, system."""

Regrets = Mapping[Key, tuple[float, ...]]


def regrets_of(runs: Mapping[Key, Run], tasks: Sequence[Task]) -> Regrets:
    """Return how far each run was from the best known value, the median random one being 1."""
    regrets: dict[Key, tuple[float, ...]] = {}
    for task in tasks:
        mine = {key: run for key, run in runs.items() if key[0] == task.name}
        best, median = task.scale
        best = max(best, *(max(run.values) for run in mine.values()))
        regrets |= {key: tuple((best - value) / (best - median) for value in run.values) for key, run in mine.items()}
    return regrets


def lines(runs: Mapping[Key, Run], regrets: Regrets, systems: Sequence[str], workers: int) -> Iterator[str]:
    """Yield the table of one number in flight: the systems, then the differences to the first of them."""
    shown = {key: value for key, value in regrets.items() if key[2] == workers}
    yield (
        f"{workers} in flight: {'regret at':>20} 25 %    50 %   100 %   mean rank  CPU ms to ask"
        "   nothing found at 25 %   busy"
    )
    yield from _systems(shown, runs, systems)
    first, *others = systems
    for other in others:
        for title in ("lcbench", "xgboost", ""):
            if cells := sorted({key[:3] for key in shown if key[0].startswith(title)}):
                parts = "  ".join(_differences(shown, cells, first, other))
                yield f"  {other} minus {first}, {title or 'all'}: {parts}"


def found_nothing(run: Run, regrets: Sequence[float]) -> bool:
    """Whether a quarter of the budget bought nothing: no better than the median, or the first trial is the best."""
    return regrets[0] >= 1 or run.incumbents[0] == 0


def mean_ranks(regrets: Regrets, systems: Sequence[str]) -> dict[str, float]:
    """Return each system's mean rank at the end; equal regrets share their ranks."""
    ranks: dict[str, list[float]] = {system: [] for system in systems}
    for cell in {key[:3] for key in regrets}:
        ends = {system: regrets[(*cell, system)][-1] for system in systems}
        for system, end in ends.items():
            below = sum(other < end for other in ends.values())
            ranks[system].append(1 + below + (sum(other == end for other in ends.values()) - 1) / 2)
    return {system: statistics.fmean(each) for system, each in ranks.items()}


def _systems(regrets: Regrets, runs: Mapping[Key, Run], systems: Sequence[str]) -> Iterator[str]:
    ranks = mean_ranks(regrets, systems)
    for system in systems:
        mine = {key: value for key, value in regrets.items() if key[3] == system}
        means = "  ".join(f"{statistics.fmean(column):.4f}" for column in zip(*mine.values(), strict=True))
        spent = [runs[key] for key in mine]
        took = 1e3 * sum(run.seconds for run in spent) / sum(run.trials for run in spent)
        busy = statistics.fmean(run.busy for run in spent)
        nothing = statistics.fmean(found_nothing(runs[key], value) for key, value in mine.items())
        yield f"  {system:<30}  {means}  {ranks[system]:>9.2f}  {took:>13.1f}  {nothing:>21.0%}  {busy:>5.0%}"


def _differences(regrets: Regrets, cells: Sequence[tuple[str, int, int]], first: str, other: str) -> Iterator[str]:
    for index, fraction in enumerate(FRACTIONS):
        pairs = [regrets[(*cell, other)][index] - regrets[(*cell, first)][index] for cell in cells]
        if len(pairs) > 1:
            error = statistics.stdev(pairs) / len(pairs) ** 0.5
            wins, losses = sum(pair > 0 for pair in pairs), sum(pair < 0 for pair in pairs)
            yield f"{fraction:.0%}: {statistics.fmean(pairs):+.4f} +- {error:.4f} ({wins}:{losses})"
