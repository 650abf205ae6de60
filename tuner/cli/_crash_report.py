"""What is shown of an unexpected exception: what and where, and a file with the rest."""

import os
import tempfile
import traceback

from rich.text import Text

from tuner.cli._rendering import messages, safe
from tuner.formatting.redaction import redacted


def show(bug: Exception) -> None:
    """Print where the exception came from; its whole traceback goes to a private file, for a report."""
    last = traceback.extract_tb(bug.__traceback__)[-1]
    console = messages()
    what = redacted(f"{type(bug).__name__}: {bug}")
    console.print(Text.assemble(("error: ", "bold red"), safe(f"this is a bug of tuner's: {what}")))
    console.print(Text(f"  in {last.name}, {last.filename}:{last.lineno}", style="dim"))
    console.print(Text(f"  all of it is in {_kept(bug)}; what was recorded is not lost", style="dim"))


def _kept(bug: Exception) -> str:
    handle, path = tempfile.mkstemp(prefix="tuner-bug-", suffix=".txt")
    with os.fdopen(handle, "w") as file:
        file.write(redacted("".join(traceback.format_exception(bug))))
    return path
