"""Look for what is wrong with the stored studies, and mend what can be mended."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tuner import doctor
from tuner.cli._options import Json, Storage
from tuner.cli._rendering import answers, grid, print_json, safe
from tuner.doctor import Finding, Severity
from tuner.domain.errors import StorageError
from tuner.storage.store import open_store

__all__ = ["command"]

_STYLES = {Severity.OK: "green", Severity.NOTE: "yellow", Severity.PROBLEM: "bold red"}


def command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One study's name; all of them without.", show_default=False)
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended; without it nothing is written.")] = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    store = open_store(storage)
    mended = doctor.mend(store, name) if fix else ()
    findings = doctor.examine(store, name)
    problems = [finding for finding in findings if finding.severity is Severity.PROBLEM]
    mending = store.location.command("doctor", *([name] if name else []), "--fix")
    if as_json:
        print_json(
            {
                "problems": len(problems),
                "mended": [_as_json(finding) for finding in mended],
                "findings": [_as_json(finding) for finding in findings],
            }
        )
    else:
        # Commands are copied from here: a line end inside of one would break it.
        console = answers()
        console.print(_table(findings))
        console.print(
            Group(*_mended(mended), *_advice(findings), *_end(findings, None if fix else mending)), soft_wrap=True
        )
    if problems:
        raise typer.Exit(StorageError.exit_code)


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "severity": finding.severity.value,
        "what": finding.what,
        "where": finding.where,
        "fix": finding.fix,
        "advice": finding.advice,
    }


def _table(findings: Sequence[Finding]) -> Table:
    fixable = any(finding.fix for finding in findings)
    table = grid("", "what", "where", *(["--fix would"] if fixable else []))
    for column in table.columns[1:]:  # on a narrow terminal whole words matter more than short lines
        column.no_wrap, column.overflow = False, "fold"
    for finding in findings:
        word = Text(finding.severity.value, style=_STYLES[finding.severity])
        table.add_row(word, finding.what, _shown(finding.where), *([finding.fix] if fixable else []))
    return table


def _shown(where: str) -> str:
    """Return a place for people: a path below the working directory from there."""
    path = Path(where)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else where


def _mended(findings: Sequence[Finding]) -> Iterator[Text]:
    if findings:
        yield Text("")
    for finding in findings:
        yield Text.assemble(("mended", "green"), safe(f"  {_shown(finding.where)}: {finding.what}"))


def _advice(findings: Sequence[Finding]) -> Iterator[Text]:
    advice = dict.fromkeys(finding.advice for finding in findings if finding.advice)
    if advice:
        yield Text("")
    yield from (Text(safe(each)) for each in advice)


def _end(findings: Sequence[Finding], mending: str | None) -> Iterator[Text]:
    """Say how it stands, and the command that mends, None where that was done."""
    count = sum(finding.severity is Severity.PROBLEM for finding in findings)
    problems = f"{count} problem{'' if count == 1 else 's'}{' left' if mending is None else ''}"
    head = Text(problems, style="red") if count else Text("all is well", style="green")
    if mending is not None and any(finding.fix for finding in findings):
        head.append(f"; what can be mended is mended with: {safe(mending)}")
    yield Text("")
    yield head
