"""A category becomes something that can be computed with.

A file here exports one frozen dataclass that inherits `Encoding`; `tests/conformance/test_encodings.py` judges it; the
smallest example to copy is `one_hot.py`.
"""
