"""A database as Optuna's own tools read it: what they are handed cannot be written through."""

from optuna.storages import BaseStorage, RDBStorage, get_storage

from tuner.storage.engine import engine_options
from tuner.storage.location import Location


def optuna_view(location: Location) -> BaseStorage:
    """Return Optuna's storage for `location`, which has to hold its tables already; the database refuses every write.

    Finished trials are read once and then kept in memory, as Optuna does for its own studies.
    """
    url = location.url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")
    options = engine_options(location, read_only=True)
    return get_storage(RDBStorage(url, engine_kwargs=options, skip_table_creation=True))
