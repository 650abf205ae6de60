"""What is broken on purpose is still there to be broken."""

import pytest
from faults.broken_builds import BREAKS, ROOT, Break


@pytest.mark.parametrize("broken", BREAKS, ids=[each.row for each in BREAKS])
def test_the_line_that_is_broken_for_a_row_stands_in_its_file_once(broken: Break) -> None:
    assert (ROOT / broken.file).read_text().count(broken.line) == 1
