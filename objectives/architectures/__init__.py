"""Models by name.

A file here exports one frozen dataclass that inherits `Architecture`: its fields are what may vary, all with
defaults; `inputs` says what it can read; `build` makes the model. `tests/conformance/test_architectures.py` judges
it; the smallest example to copy is `mlp.py`.
"""
