"""Graphs by name.

A file here exports one frozen dataclass that inherits `GraphDataset`: it declares its task, and loads itself only when
asked. `tests/conformance/test_graphs.py` judges it; the example to copy is `digits_neighbours.py`.
"""
