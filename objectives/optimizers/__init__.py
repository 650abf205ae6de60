"""Optimizers by name.

A file here exports one frozen dataclass that inherits `Optimizer`: its fields are what may vary, `lr` and `clip`
among them; torch.optim does the work for a trial alone, and `update` the same for many at once.
`tests/conformance/test_optimizers.py` and `test_cohorts.py` judge it; the smallest example to copy is
`gradient_descent.py`.
"""
