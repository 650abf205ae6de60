"""Datasets by name.

A file here exports one frozen dataclass that inherits `Dataset`: it declares its task and what an example looks like,
and loads itself only when asked. `tests/conformance/test_datasets.py` judges it; the smallest example to copy is
`wine.py`.
"""
