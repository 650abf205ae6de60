"""Every feature gets a normal distribution, by its ranks."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.preprocessing import QuantileTransformer

from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["Quantile"]


@final
@dataclass(frozen=True)
class Quantile(PreprocessingStep):
    """Maps ranks to a normal distribution: outliers lose their reach."""

    def transformer(self, rows: int) -> Any:
        return QuantileTransformer(n_quantiles=min(rows, 200), subsample=None, output_distribution="normal")
