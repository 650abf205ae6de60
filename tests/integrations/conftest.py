"""What the tests of integrations share: no process that has imported a library outlives its module."""

from collections.abc import Iterator

import pytest
from integrations.guides import TEMPLATES


@pytest.fixture(autouse=True, scope="module")
def _templates() -> Iterator[None]:
    yield
    for template in TEMPLATES:
        template.close()
