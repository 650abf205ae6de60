"""How the learning rate changes over a trial, by name.

A file here exports one frozen dataclass that inherits `LrSchedule`: a pure function of progress, so a resumed trial
needs no state. `tests/conformance/test_lr_schedules.py` judges it; the smallest example to copy is `constant.py`.
"""
