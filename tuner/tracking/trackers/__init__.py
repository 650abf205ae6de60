"""Experiment trackers that a run can be logged to: one file per tracker, named by what `--log` is given.

A member exports one class in `__all__`, which inherits `tuner.Tracker`. It imports its tracker when it is made, never
before. `tests/conformance/test_trackers.py` judges it, with the real tracker. The smallest is `wandb.py`.
"""
