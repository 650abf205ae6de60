"""A feature's units are removed.

A file here exports one frozen dataclass that inherits `Step`; `tests/conformance/test_preprocessing.py` judges it;
any of the files is an example to copy.
"""
