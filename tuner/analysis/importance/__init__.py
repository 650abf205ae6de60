"""Which parameters matter, and how: learned from all trials that measured something, the stopped ones included.

`scores.py` compares trials that were trained unequally long, `encoding.py` lays their configurations out as numbers,
`sobol.py` asks a model of both how much changes when one parameter does, and `marginals.py` says which way, and
`findings.py` is the answer.
`docs/decisions/0013-what-matters.md` says why Optuna's evaluators are not used.
"""

from tuner.analysis.importance.importance import Importance, ParameterImportance, importance_of
from tuner.analysis.importance.marginals import Band, Shape

__all__ = ["Band", "Importance", "ParameterImportance", "Shape", "importance_of"]
