"""The words that architectures share; torch-free, so that a search space can be checked against them."""

OPTIONS = {
    "activation": ("relu", "gelu", "silu", "tanh", "mish", "selu"),
    "normalisation": ("none", "batch", "layer"),
    "cell": ("gru", "lstm"),
}
"""What the fields of these names can be, in every architecture."""
