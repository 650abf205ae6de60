"""What a peer reads and writes: lines of JSON. It knows nothing of the system that it is compared with.

    {"begin": {"space": [...], "epochs": 52, "budget": 1109, "seed": 0, "in_flight": 8}}    -> true
    {"ask": {}}    -> {"trial": 3, "config": {"lr": 0.1}, "from": 0, "until": 52}, or null: nothing before a report
    {"report": {"trial": 3, "epoch": 1, "value": 0.7}}    -> whether the trial continues now

A parameter of the space has "path", "type", "when", and "low", "high" and "log" (types "float" and "int") or "values"
(type "choice"); `when` is null or [path, value]: it exists only where that choice has that value. A choice precedes
what depends on it. A configuration has the parameters that exist, by path. Values are maximized. Trials are numbered
from 0 in the order in which they begin; one that stopped may be proposed again, from the epoch that it has reached.
"""

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One dimension of the space; `values` are those of a choice, which has no range."""

    path: str
    type: str
    when: tuple[str, Any] | None
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched, and how far: `budget` is in epochs, of all trials together."""

    space: tuple[Parameter, ...]
    epochs: int
    budget: int
    seed: int
    in_flight: int

    def existing(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those values whose parameters exist, given the choices among them."""
        found: dict[str, Any] = {}
        for each in self.space:
            if each.when is None or (each.when[0] in found and found[each.when[0]] == each.when[1]):
                found[each.path] = values[each.path]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration to train from the epoch `start` that it has reached until `until` at most."""

    trial: int
    config: Mapping[str, Any]
    until: int
    start: int = 0


class Peer(ABC):
    """A system that proposes and stops."""

    @abstractmethod
    def ask(self) -> Proposal | None:
        """Return what is trained next."""

    @abstractmethod
    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Record the value after an epoch, and return whether the trial continues."""


def serve(make: Callable[[Search], Peer]) -> None:
    """Answer each line of stdin with a line on stdout, until stdin ends; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    lines = (json.loads(line) for line in sys.stdin)
    peer = make(_parsed(next(lines)["begin"]))
    for answer in _answers(peer, lines):
        print(json.dumps(answer), file=answers, flush=True)


def _answers(peer: Peer, lines: Iterator[dict[str, Any]]) -> Iterator[Any]:
    yield True
    for line in lines:
        if "ask" in line:
            proposal = peer.ask()
            yield (
                None
                if proposal is None
                else {
                    "trial": proposal.trial,
                    "config": dict(proposal.config),
                    "from": proposal.start,
                    "until": proposal.until,
                }
            )
        else:
            yield peer.report(**line["report"])


def _parsed(begin: Mapping[str, Any]) -> Search:
    space = tuple(
        Parameter(**each | {"when": each["when"] and tuple(each["when"]), "values": tuple(each.get("values", ()))})
        for each in begin["space"]
    )
    return Search(**{**begin, "space": space})
