"""Texts that a model is given to answer for."""

from typing import Any

import numpy as np

from tuner.domain.errors import ConfigurationError


def texts_of(inputs: Any, column: str) -> list[str]:
    """Return the texts of a DataFrame's column, or of a sequence; raises `ConfigurationError` for others.

    What UTF-8 cannot hold, halves of surrogate pairs, is replaced, as in texts that are trained on.
    """
    if hasattr(inputs, "columns"):
        if column not in inputs.columns:
            names = ", ".join(map(str, inputs.columns))
            raise ConfigurationError(f"there is no column {column!r} with the texts (columns: {names})")
        inputs = inputs[column]
    if isinstance(inputs, str) or np.ndim(inputs) != 1:
        raise ConfigurationError(f"inputs are to be texts: a list of them, or a DataFrame with a column {column!r}")
    texts = [*inputs]
    wrong = next((at for at, each in enumerate(texts) if not isinstance(each, str)), None)
    if wrong is not None:
        raise ConfigurationError(f"row {wrong + 1}, column {column!r}: has no text")
    return [each.encode(errors="replace").decode() for each in texts]
