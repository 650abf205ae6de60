"""A table's number becomes several, of which a network can make steps and waves of it.

A file here exports one frozen dataclass that inherits `NumberEncoding`; `tests/conformance/test_number_encodings.py`
judges it; the smallest example to copy is `plain.py`.
"""
