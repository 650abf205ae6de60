"""Preprocessing steps of features, in this order: `cleaning`, `transformations`, `scalings`, a folder each.

A file in one of them exports one frozen dataclass that inherits `Step`; it is fitted on only the training split.
`tests/conformance/test_preprocessing.py` judges it; the smallest example to copy is `scalings/minmax.py`.
"""
