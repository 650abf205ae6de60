"""Optimizers by name.

A file here exports one frozen dataclass that inherits `Optimizer`: its fields are what may vary, `lr` and `clip`
among them, and torch.optim does the work. `tests/conformance/test_optimizers.py` judges it; the smallest example to
copy is `gradient_descent.py`.
"""
