"""What every objective that ships promises: what `tuner.testing` says of any."""

from typing import Any

from tuner.execution.worker import OBJECTIVES
from tuner.registry.catalogue import Catalogue
from tuner.testing import ObjectiveConformance

SUITABLE: dict[str, dict[str, Any]] = {
    "supervised": {
        "space": Catalogue("tuner.search_spaces", "search space")["tabular_classifier"],
        "settings": {"dataset": "iris"},
    },
}
"""A space and settings for each objective."""

for _name in OBJECTIVES.names:
    _facts = {"objective": OBJECTIVES[_name], **SUITABLE[_name]}
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (ObjectiveConformance,), _facts)
