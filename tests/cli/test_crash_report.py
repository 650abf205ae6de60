"""An exception that nobody expected is told in three lines, and kept whole."""

import re
import stat
import subprocess
import sys
from pathlib import Path

BROKEN = """
from tuner.cli import __main__

def invoke(self, context):
    raise ZeroDivisionError("\\x1b[31mnobody thought of this")

__main__._Commands.invoke = invoke
__main__.main()
"""


def test_a_bug_is_told_in_words_and_its_traceback_is_kept_in_a_private_file(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path), "PATH": ""}
    command = [sys.executable, "-c", BROKEN, "list"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "this is a bug of tuner's: ZeroDivisionError: \\x1b[31mnobody thought of this" in ended.stderr
    assert "Traceback" not in ended.stderr
    found = re.search(r"all of it is in (\S+);", ended.stderr)
    assert found is not None
    kept = Path(found[1])
    assert "Traceback" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
