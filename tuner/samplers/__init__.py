"""What proposes configurations: one file per sampler.

A member exports one class in `__all__`, which inherits `tuner.domain.sampler.Sampler`; its options are the keyword-only
arguments of `__init__`. It stores nothing: given the same trials, it proposes the same. Its randomness comes from
(seed, trial number). `tests/conformance/test_samplers.py` judges it. The smallest to copy is `quasi_random.py`.
"""
