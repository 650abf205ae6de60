"""Schedulers decide, at each report, whether a trial continues: one file per scheduler.

A member exports one class in `__all__`, which inherits `tuner.domain.scheduler.Scheduler`; its options are the
keyword-only arguments of `__init__`. `tests/conformance/test_schedulers.py` judges it. The smallest is `none.py`.
"""
