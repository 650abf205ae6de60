"""The space of the overhead benchmark, apart from the training code so that reading it does not import torch."""

from tuner import Choice, Float, Int, SearchSpace

space = SearchSpace(
    width=Int(16, 256, log=True, default=64),
    depth=Int(1, 3, default=2),
    dropout=Float(0.0, 0.5, default=0.1),
    lr=Float(1e-4, 1e-1, log=True, default=1e-3),
    weight_decay=Float(1e-6, 1e-2, log=True, default=1e-4),
    batch_size=Choice(32, 64, 128, default=64),
)
