"""The spaces of the cohort benchmark: small models of digits, everything but the architecture's kind searched."""

from tuner import Choice, Float, Int, SearchSpace

_TRAINING = {
    "optimizer": Choice(
        adamw={"lr": Float(1e-4, 1e-1, log=True, default=1e-3), "weight_decay": Float(1e-6, 1e-1, log=True)},
        sgd={"lr": Float(1e-3, 1.0, log=True), "momentum": Float(0.0, 0.99)},
    ),
    "loss": Choice(cross_entropy={"label_smoothing": Float(0.0, 0.2, default=0.0)}, focal={"gamma": Float(0.5, 4.0)}),
    "lr_schedule": Choice("constant", "cosine"),
    "batch_size": Choice(32, 64, 128, default=64),
}
_DROPOUT = Float(0.0, 0.5, default=0.0)

mlp = SearchSpace(
    architecture=Choice(mlp={"width": Int(16, 128, log=True, default=64), "depth": Int(1, 3), "dropout": _DROPOUT}),
    **_TRAINING,
)
cnn = SearchSpace(
    architecture=Choice(cnn={"channels": Int(4, 16, log=True, default=8), "depth": Int(1, 2), "dropout": _DROPOUT}),
    **_TRAINING,
)
transformer = SearchSpace(
    architecture=Choice(transformer={"width": Int(8, 32, step=8, default=16), "depth": Int(1, 2), "dropout": _DROPOUT}),
    **_TRAINING,
)
rnn = SearchSpace(
    architecture=Choice(
        rnn={"cell": Choice("gru", "lstm"), "width": Int(8, 64, log=True, default=32), "dropout": _DROPOUT}
    ),
    **_TRAINING,
)
