"""A report on disk: where it goes, what it may replace, and never half of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import final

from tuner.domain.errors import ConfigurationError
from tuner.storage.store import Store
from tuner.study_report import markdown, page
from tuner.study_report.compose import compose
from tuner.study_report.data import gather
from tuner.study_report.document import Document
from tuner.study_report.file_names import file_name
from tuner.study_report.png import write_pictures
from tuner.system.files import whole_file

_HEAD = 2_000
"""Characters among which a report of ours says that it is one."""


class ReportFormat(Enum):
    """The forms of a report."""

    HTML = "html"
    MARKDOWN = "md"
    PNG = "png"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written: a file, or a folder of pictures, and the pictures beside it."""

    path: Path
    pictures: tuple[Path, ...] = ()

    @property
    def size(self) -> int:
        """Bytes in all."""
        files = {*self.pictures, *([self.path] if self.path.is_file() else [])}
        return sum(file.stat().st_size for file in files)


def write_report(
    store: Store, name: str, *, output: Path | None = None, form: ReportFormat | None = None, replace: bool = False
) -> Written:
    """Write the report of a study and return where.

    Without `output` it goes into the working directory under the study's name; without `form` that follows from the
    ending of `output`. A report is replaced by a newer one, any other file only if `replace`; raises
    `ConfigurationError` for it, and for a folder that is not there.
    """
    form = form or _form_of(output)
    with _said(output or Path.cwd()):
        target = _target(name, output, form)
        if form is not ReportFormat.PNG:
            _refuse_to_destroy(target, replace=replace)
    document = compose(gather(store, name))
    return {ReportFormat.HTML: _write_page, ReportFormat.MARKDOWN: _write_markdown, ReportFormat.PNG: _write_pictures}[
        form
    ](document, target)


def _form_of(output: Path | None) -> ReportFormat:
    endings = {".md": ReportFormat.MARKDOWN, ".markdown": ReportFormat.MARKDOWN}
    return endings.get(output.suffix.lower(), ReportFormat.HTML) if output is not None else ReportFormat.HTML


def _target(name: str, output: Path | None, form: ReportFormat) -> Path:
    """Return the file to write, or the folder of pictures; `output` may be the folder that it is to be in."""
    usual = f"{file_name(name)}-figures" if form is ReportFormat.PNG else f"{file_name(name)}.{form.value}"
    if output is None:
        return Path(usual)
    if form is not ReportFormat.PNG and output.is_dir():
        return output / usual
    if not output.absolute().parent.is_dir():
        raise ConfigurationError(f"there is no folder {output.absolute().parent} to write a report into")
    return output


def _refuse_to_destroy(target: Path, *, replace: bool) -> None:
    if replace or not target.exists():
        return
    with target.open(encoding="utf-8", errors="replace") as file:
        head = file.read(_HEAD)
    if page.MARK not in head and markdown.MARK not in head:
        raise ConfigurationError(
            f"{target} is there already, and it is not a report of tuner's",
            hint="-o FILE writes elsewhere, --force replaces it",
        )


def _write_page(document: Document, target: Path) -> Written:
    _write(target, page.as_page(document))
    return Written(path=target)


def _write_markdown(document: Document, target: Path) -> Written:
    folder = target.with_name(f"{target.stem}-figures")
    pictures = _drawn(document, folder)
    _write(target, markdown.as_markdown(document, folder.name))
    return Written(path=target, pictures=pictures)


def _write_pictures(document: Document, target: Path) -> Written:
    return Written(path=target, pictures=_drawn(document, target))


def _drawn(document: Document, folder: Path) -> tuple[Path, ...]:
    if not document.pictures:
        return ()
    with _said(folder):
        folder.mkdir(exist_ok=True)
        return write_pictures(document.pictures, folder)


def _write(target: Path, text: str) -> None:
    """Write beside the target and rename: a reader that opens it meanwhile sees the old report."""
    with _said(target), whole_file(target) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def _said(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror or error}") from None
