"""Where the answer comes from: the data, the machine, and the commands that do it again."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.domain.data_summary import DataRecord
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import StudySpec
from tuner.formatting.redaction import without_secrets
from tuner.formatting.values import amount, safe
from tuner.spec.template import study_file_of
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Listing, Section, Table, Tables, Text

__all__ = ["section"]

_COLUMNS = 40


def section(material: ReportData) -> Section:
    """Return data, environment and how to reproduce the study."""
    return Section(slug="origin", title="Data, environment, and how to do it again", blocks=tuple(_blocks(material)))


def _blocks(material: ReportData) -> Iterator[Block]:
    study = material.study
    yield from _data(material)
    yield Tables([_study(material), _environment(material)])
    if not study.spec:
        yield Text("The study was not made by tuner, so how it was started is not stored.")
        return
    yield from _again(material)
    if study.space is not None:
        title = f"The search space, {amount(len(study.space), 'parameter')}, fingerprint {study.space.fingerprint}"
        yield Listing(text=safe(study.space), title=title)


def _again(material: ReportData) -> Iterator[Block]:
    """Yield how to start the study anew."""
    command, file = _command(material), _study_file(material)
    if command:
        yield Text("To do it again; with one worker and the same versions, every number comes again:")
        yield Listing(text=command)
    if file is not None:
        if not command:
            yield Text("To do it again, put this into a study file:")
        yield Listing(text=safe(file), title="The study file that says the same")
    else:
        yield Text("The study was made in Python, of parts that have no name a study file could give.")
        asked = json.dumps(without_secrets(material.spec), indent=2, ensure_ascii=False)
        yield Listing(text=safe(asked), title="What it was asked to do")


def _study_file(material: ReportData) -> str | None:
    try:
        return study_file_of(StudySpec.from_description(without_secrets(material.spec)))
    except ConfigurationError:  # no file can say it
        return None


def _data(material: ReportData) -> Iterator[Block]:
    """Yield the columns, target and fingerprint of a person's own data; a shipped dataset has only its name."""
    stored = material.study.notes.get("data")
    if stored is None:
        return
    data = DataRecord.from_description(stored)
    yield Text(
        f"The data: {safe(data.path)}, {data.size:,} bytes, fingerprint {data.fingerprint}. {safe(data.summary)}"
    )
    if data.columns:
        rows = [(safe(column.name), safe(column.type), safe(column.about)) for column in data.columns[:_COLUMNS]]
        more = f"the first {_COLUMNS} of {len(data.columns)} columns" if len(data.columns) > _COLUMNS else ""
        yield Table(headers=("column", "taken for", "it has"), rows=rows, caption=more)


def _study(material: ReportData) -> Table:
    study, spec = material.study, material.spec
    rows = [("storage", material.storage)]
    if spec:
        rows += [
            ("objective", str(spec["objective"]) or shlex.join(without_secrets(spec.get("command", ())))),
            ("search space", str(spec["search_space"]) or "made in Python"),
            *((f"settings.{key}", str(value)) for key, value in without_secrets(spec["settings"]).items()),
            ("sampler", spec["sampler"]["name"]),
            ("scheduler", spec["scheduler"]["name"]),
            ("seed", str(spec["seed"])),
            ("executor", spec["executor"]),
        ]
    if study.space is not None:
        rows.append(("space fingerprint", study.space.fingerprint))
    return Table(headers=("study", ""), rows=[(safe(key), safe(value)) for key, value in rows])


def _environment(material: ReportData) -> Table:
    header = "ran on" if material.is_own_environment else "this report was written on"
    return Table(headers=(header, ""), rows=[(safe(key), safe(value)) for key, value in material.environment.items()])


def _command(material: ReportData) -> str:
    """Return the command line that starts the study anew; "" where it was started from Python."""
    source: Mapping[str, Any] = material.study.source
    if not source.get("study"):
        return ""
    overrides = without_secrets({key: value for key, value in source["overrides"].items() if key != "name"})
    words = ["run", source["study"], "--name", f"{material.study.name}-again"]
    words += [word for key, value in overrides.items() for word in ("--set", f"{key}={_assigned(value)}")]
    return material.location.command(*words)


def _assigned(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
