"""Where a configuration came from survives being stored."""

import json

import pytest

from tuner.domain.origin import Origin, OriginKind

ORIGINS = [
    Origin(kind=OriginKind.DEFAULT),
    Origin(kind=OriginKind.START, number=0),
    Origin(kind=OriginKind.WARM_START, study="before", number=3),
    Origin(kind=OriginKind.STARTUP, sampler="gp", observations=0),
    Origin(kind=OriginKind.MODEL, observations=14, rejected=3, is_drawn=True, fixed={"a": "mlp", "a.mlp.width": 64}),
]


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.kind.value)
def test_an_origin_is_read_back_from_its_json_form(origin: Origin) -> None:
    assert Origin.parsed(json.loads(json.dumps(origin.describe()))) == origin


def test_the_json_form_leaves_out_what_is_as_usual() -> None:
    assert Origin(kind=OriginKind.DEFAULT).describe() == {"kind": "default"}
