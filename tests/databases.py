"""Transactions in a study's database as another program makes them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection, Engine

from tuner.storage.engine import connect, writing
from tuner.storage.location import Location


@contextmanager
def opened(location: Location) -> Iterator[Engine]:
    """Give an engine of its own."""
    engine = connect(location)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def transaction(location: Location) -> Iterator[Connection]:
    """Give a connection of its own, whose statements are committed together at the end."""
    with opened(location) as engine, writing(engine) as connection:
        yield connection
