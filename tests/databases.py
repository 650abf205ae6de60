"""Transactions in a study's database as another program makes them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection

from tuner.storage.engine import connect, writing
from tuner.storage.location import Location


@contextmanager
def transaction(location: Location) -> Iterator[Connection]:
    """Give a connection of its own, whose statements are committed together at the end."""
    engine = connect(location)
    try:
        with writing(engine) as connection:
            yield connection
    finally:
        engine.dispose()
