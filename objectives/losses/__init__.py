"""Losses by name.

A file here exports one frozen dataclass that inherits `Loss`: its fields are what may vary, `tasks` says what it is
for. `tests/conformance/test_losses.py` judges it; the smallest example to copy is `mean_squared_error.py`.
"""
