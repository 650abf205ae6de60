"""Adapters by name: what is trained of a pretrained model, beside its frozen weights.

A file here exports one frozen dataclass: its fields are what may vary, all with defaults. `lora.py` is the only one.
"""
