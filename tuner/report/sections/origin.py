"""Where the answer comes from: the data, the machine, and the commands that do it again."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.domain.data import DataRecord
from tuner.report.document import Block, Listing, Section, Table, Tables, Text
from tuner.report.material import Material
from tuner.study_text import study_text, without_password
from tuner.words import safe

__all__ = ["section"]

_COLUMNS = 40


def section(material: Material) -> Section:
    """Return data, environment and how to reproduce the study."""
    return Section(slug="origin", title="Data, environment, and how to do it again", blocks=tuple(_blocks(material)))


def _blocks(material: Material) -> Iterator[Block]:
    study = material.study
    yield from _data(material)
    yield Tables([_study(material), _environment(material)])
    if not study.spec:
        yield Text("The study was not made by tuner, so how it was started is not stored.")
        return
    command = _command(material)
    if command:
        yield Text("The command that started it:")
        yield Listing(text=command)
    else:
        yield Text("It was started from Python, with a StudySpec that says the same as this study file.")
    yield Text(
        "Or put this into a study file; with the same seed, one worker and the same versions, every number comes again."
    )
    yield Listing(text=safe(study_text(study.spec)), title="The study file")
    if study.space is not None:
        yield Listing(
            text=safe(study.space),
            title=f"The search space, {len(study.space)} parameters, fingerprint {study.space.fingerprint}",
        )


def _data(material: Material) -> Iterator[Block]:
    """Yield what was understood of the data that was the person's own; what ships is told by its name."""
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


def _study(material: Material) -> Table:
    study, spec = material.study, material.spec
    rows = [("storage", material.storage)]
    if spec:
        rows += [
            ("objective", str(spec["objective"])),
            ("search space", str(spec["search_space"]) or "made in Python"),
            *((f"settings.{key}", _written(value)) for key, value in spec["settings"].items()),
            ("sampler", spec["sampler"]["name"]),
            ("scheduler", spec["scheduler"]["name"]),
            ("seed", str(spec["seed"])),
            ("executor", spec["executor"]),
        ]
    if study.space is not None:
        rows.append(("space fingerprint", study.space.fingerprint))
    return Table(headers=("study", ""), rows=[(safe(key), safe(value)) for key, value in rows])


def _written(value: Any) -> str:
    return without_password(str(value))


def _environment(material: Material) -> Table:
    header = "ran on" if material.is_own_environment else "this report was written on"
    return Table(headers=(header, ""), rows=[(safe(key), safe(value)) for key, value in material.environment.items()])


def _command(material: Material) -> str:
    """Return the command line that starts the study anew; "" where it was started from Python."""
    source: Mapping[str, Any] = material.study.source
    if not source.get("study"):
        return ""
    changed = [f"{path}={_assigned(value)}" for path, value in source["overrides"].items() if path != "name"]
    words = ["tuner", "run", source["study"], "--name", f"{material.study.name}-again"]
    words += [word for each in changed for word in ("--set", without_password(each))]
    return shlex.join(words)


def _assigned(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
