"""Which parameters matter, and how: learned from all trials that measured something, the stopped ones included.

`standings.py` compares trials that were trained unequally long, `axes.py` lays their configurations out as numbers,
`effects.py` asks a model of both how much changes when one parameter does, and `bands.py` says which way, and
`findings.py` is the answer.
`docs/decisions/0013-what-matters.md` says why Optuna's evaluators are not used.
"""

from tuner.importance.bands import Band, Shape
from tuner.importance.findings import Importance, ParameterImportance, importance_of

__all__ = ["Band", "Importance", "ParameterImportance", "Shape", "importance_of"]
