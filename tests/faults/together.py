"""Processes that use a storage at the same moment, each a fork of one that has everything imported and nothing open."""

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from multiprocessing.synchronize import Barrier

from fakes import MAXIMIZED

from tuner import Float, SearchSpace
from tuner.domain.errors import StudyHeldError
from tuner.domain.new_study import NewStudy
from tuner.storage.store import open_store

CREATING = "faults.together:create_studies"
HOLDING = "faults.together:hold_a_study"
_SPACE = SearchSpace(x=Float(0, 1))
_DRIVERS = ("sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.mysql.pymysql", "psycopg", "pymysql")


def create(location: str, name: str) -> None:
    store = open_store(location)
    store.create(NewStudy(name=name, goal=MAXIMIZED, space=_SPACE, spec={}, source={}))
    store.close()


def create_studies() -> None:
    """Create a study in each place of a list, as many times at once as there are names: `NAME,NAME... PLACE...`."""
    names, locations = sys.argv[1].split(","), sys.argv[2:]
    _side_by_side(_create_in_each, [(locations, name) for name in names])


def _create_in_each(locations: Sequence[str], name: str, together: Barrier) -> None:
    for location in locations:
        together.wait(60)
        create(location, name)


def hold_a_study() -> None:
    """Let four processes ask for the study `s` of a storage, twenty times, and one of them have it each time."""
    _side_by_side(_hold, [(sys.argv[1],)] * 4)


def _hold(location: str, together: Barrier) -> None:
    store = open_store(location)
    for _ in range(20):
        together.wait(60)
        try:
            with store.holding("s"):
                together.wait(60)  # until everybody has tried
        except StudyHeldError:
            together.wait(60)
        together.wait(60)


def _side_by_side(work: Callable[..., None], arguments: Sequence[tuple[object, ...]]) -> None:
    """Do some work in a process for each of the arguments, which wait for each other; fail where one has failed."""
    for driver in _DRIVERS:
        import_module(driver)
    forking = multiprocessing.get_context("fork")
    together = forking.Barrier(len(arguments))
    processes = [forking.Process(target=work, args=[*each, together]) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    if (codes := [process.exitcode for process in processes]) != [0] * len(processes):
        sys.exit(f"exit codes: {codes}")
