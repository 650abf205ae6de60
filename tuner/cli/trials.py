"""List a study's trials."""

import csv
import sys
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import typer

from tuner.analysis import queries
from tuner.cli._options import Name, Storage
from tuner.cli._rendering import answers, print_json, safe, trial_table
from tuner.domain.errors import UnknownNameError, nearest
from tuner.domain.study_folders import StudyFolders
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import cell
from tuner.storage.folder_owner import place_of
from tuner.storage.store import open_store

__all__ = ["command"]


class TableFormat(Enum):
    """How to print them."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def command(
    name: Name,
    state: Annotated[
        str | None, typer.Option(metavar="S", help="Only complete, pruned, fail, running or waiting ones.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the last N of them. [default: all]")
    ] = None,
    output: Annotated[TableFormat, typer.Option("--format", help="How to print them.")] = TableFormat.TABLE,
    storage: Storage = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    wanted = _state(state)
    store = open_store(storage)
    study, chosen = store.view(name, wanted)
    chosen = chosen[-limit:] if limit is not None else chosen
    folders = place_of(store.location, study).folders_of(study.folder_name)
    if as_json or output is TableFormat.JSON:
        print_json([{**queries.as_json(study, trial), **_failure(trial, folders)} for trial in chosen])
    elif output is TableFormat.CSV:
        _print_csv(study, chosen)
    else:
        answers().print(trial_table(chosen, study.goal, folders=folders, unit=study.fidelity.unit))


def _state(word: str | None) -> TrialState | None:
    if word is None:
        return None
    known = {state.value.lower(): state for state in TrialState}
    if word.lower() not in known:
        raise UnknownNameError(f"unknown state {word!r}{nearest(word, known)}", hint=f"known: {', '.join(known)}")
    return known[word.lower()]


def _failure(trial: TrialRecord, folders: StudyFolders) -> dict[str, Any]:
    if trial.failure is None:
        return {}
    logs = [str(path) for path in folders.logs_with(trial.number)]
    said: dict[str, Any] = {"reason": trial.failure.reason.value, "message": trial.failure.message}
    return {**said, "logs": logs} if logs else said


def _print_csv(study: StudyRecord, trials: Sequence[TrialRecord]) -> None:
    rows = [queries.as_row(study, trial) for trial in trials]
    columns = dict.fromkeys(column for row in rows for column in row)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(_harmless, columns))
    writer.writerows([_cell(row.get(column, ""), column) for column in columns] for row in rows)


def _cell(value: object, column: str) -> object:
    """Return what stands in a cell: None where it was chosen, nothing where there is no value."""
    return "None" if value is None and column.startswith("params.") else _harmless(value)


def _harmless(value: object) -> object:
    """Return text so that no terminal is steered by it and no spreadsheet takes it for a formula."""
    if not isinstance(value, str):
        return value
    return safe(cell(value))
