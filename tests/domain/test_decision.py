"""What was compared survives being stored."""

import json

from tuner.domain.decision import Comparison, Decision, Yardstick


def test_a_comparison_is_read_back_from_its_json_form() -> None:
    comparison = Comparison(
        yardstick=Yardstick.BEST, rung=3, value=0.5, needed=0.75, compared=7, places=2, decision=Decision.STOP
    )
    assert Comparison.parsed(json.loads(json.dumps(comparison.describe()))) == comparison
