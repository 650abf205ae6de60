"""Language models: what keeps its meaning at every width, never the width itself."""

from tuner import Choice, Float, SearchSpace
from tuner.search_spaces._blocks import dropout

__all__ = ["space"]

_LR = Float(2**-11, 2**-3, log=True, default=2**-6)
_WEIGHT_DECAY = Float(1e-3, 0.3, log=True, default=0.1)
_BETA2 = Choice(0.95, 0.98, 0.99, default=0.98)
_CLIP = Choice(0.0, 1.0, default=1.0)

space = SearchSpace(
    architecture=Choice(
        decoder={
            "init": Float(0.3, 3.0, log=True, default=1.0),
            "out": Float(0.3, 6.0, log=True, default=1.0),
            "dropout": dropout(0.2),
        },
    ),
    optimizer=Choice(
        adamw={"lr": _LR, "weight_decay": _WEIGHT_DECAY, "beta2": _BETA2, "clip": _CLIP},
        muon={"lr": _LR, "weight_decay": _WEIGHT_DECAY, "momentum": Choice(0.9, 0.95, default=0.95), "clip": _CLIP},
        lion={
            "lr": Float(2**-14, 2**-6, log=True, default=2**-9),
            "weight_decay": Float(1e-2, 3.0, log=True, default=0.3),
            "clip": _CLIP,
        },
    ),
    lr_schedule=Choice(wsd={"warmup_steps": Choice(10, 30, 100, default=30), "decay": Float(0.1, 0.5, default=0.3)}),
    duplicates=Choice("near", "keep"),
    max_repetition=Choice(1.0, 0.5),
    batch_size=Choice(8, 16, default=8),
)
