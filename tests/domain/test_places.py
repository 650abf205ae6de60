"""Where what a study keeps is kept."""

import pytest

from tuner.domain.places import StorageSpec


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
        ("/shared/checkpoints", "file:///shared/checkpoints"),
        ("memory://here", "memory://here"),
        ("", ""),
    ],
)
def test_the_place_of_checkpoints_is_a_url_whose_end_is_a_name(given: str, url: str) -> None:
    assert StorageSpec(checkpoints=given).checkpoints == url
