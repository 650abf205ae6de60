"""`examine` looks and writes nothing.

`mend` repairs a study only while it holds it, and looks again before it does: what was stuck a moment ago may have been
taken over by another process since.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from tuner.doctor.database import about_database, chosen
from tuner.doctor.environment import about_backups, about_free_space, about_versions
from tuner.doctor.findings import Finding, Repair, Severity, ok, problem
from tuner.doctor.permissions import about_modes
from tuner.doctor.studies import about_study
from tuner.domain.errors import StorageError, StudyHeldError, StudyNotFoundError
from tuner.storage.store import Store


def examine(store: Store, name: str | None = None) -> tuple[Finding, ...]:
    """Return what is to be said about one study, or all of them, and about the place where they are kept.

    Raises `StudyNotFoundError`.
    """
    return tuple(_findings(store, name))


def mend(store: Store, name: str | None = None) -> tuple[Finding, ...]:
    """Repair what can be repaired, and return it; a study that another process runs is left alone."""
    mended = _repaired(about_modes(store))
    with suppress(StorageError):  # nothing can be mended in a database that cannot be read: `examine` says why
        for each in chosen(store, name):
            mended += _mend_study(store, each)
    return tuple(mended)


def _findings(store: Store, name: str | None) -> Iterator[Finding]:
    integrity = list(about_database(store.location))
    yield from integrity
    try:
        names = chosen(store, name)
        if store.location.file is None:
            yield ok("the database answers", store.location)
    except StorageError as error:
        names = ()
        if all(finding.severity is Severity.OK for finding in integrity):
            yield problem(error.message, store.location, advice=error.hint)
    for each in names:
        yield from about_study(store, each)
    yield from about_modes(store)
    yield from about_backups(store.location)
    yield about_free_space(store.location)
    yield about_versions()


def _mend_study(store: Store, name: str) -> list[Finding]:
    if not any(finding.fix for finding in about_study(store, name)):
        return []
    try:
        with store.holding(name) as writer:
            return _repaired(about_study(store, name, writer))
    except (StudyHeldError, StudyNotFoundError):
        return []


def _repaired(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in list(findings) if finding.repair is not None and _succeeds(finding.repair)]


def _succeeds(repair: Repair) -> bool:
    try:
        repair()
    except OSError:  # it is found again
        return False
    return True
