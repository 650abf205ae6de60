"""How a model's sizes enter its initial weights, its multipliers and its learning rates, by name.

A file here exports one frozen dataclass that inherits `Parametrisation`: a pure function of how much wider and deeper
a model is than the one that rates were searched at. `tests/objectives/parametrisations/` judges it; the smallest
example to copy is `standard.py`.
"""
