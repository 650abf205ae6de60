"""What every objective that ships promises: what `tuner.testing` says of any."""

from pathlib import Path
from typing import Any

from tuner.execution.objectives import OBJECTIVES
from tuner.registry.catalogue import Catalogue
from tuner.testing import ObjectiveConformance

DOCS = Path(__file__).parents[2] / "docs"

SUITABLE: dict[str, dict[str, Any]] = {
    "finetune": {
        "space": Catalogue("tuner.search_spaces", "search space")["finetune"],
        "settings": {"base": "random", "dataset": str(DOCS), "context": 16, "steps": 3, "evaluation_tokens": 512},
    },
    "graph": {
        "space": Catalogue("tuner.search_spaces", "search space")["graph_classifier"],
        "settings": {"dataset": "digits_neighbours", "test": 0.7},
    },
    "language": {
        "space": Catalogue("tuner.search_spaces", "search space")["language"],
        "settings": {
            "dataset": str(DOCS),
            "context": 16,
            "width": 16,
            "depth": 1,
            "head_size": 8,
            "steps": 3,
            "evaluation_tokens": 512,
        },
    },
    "supervised": {
        "space": Catalogue("tuner.search_spaces", "search space")["tabular_classifier"],
        "settings": {"dataset": "iris"},
    },
}
"""A space and settings for each objective."""

for _name in OBJECTIVES.names:
    _facts = {"objective": OBJECTIVES[_name], **SUITABLE[_name]}
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (ObjectiveConformance,), _facts)
