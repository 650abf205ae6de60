"""Fine-tuning of a classifier of texts: adapters, their rates, and the loss."""

from tuner import Choice, SearchSpace
from tuner.search_spaces._blocks import LABEL_SMOOTHING, adapters, finetuning_optimizers, lr_schedules

__all__ = ["space"]

space = SearchSpace(
    adapter=adapters(),
    loss=Choice(cross_entropy={"label_smoothing": LABEL_SMOOTHING}),
    optimizer=finetuning_optimizers(),
    lr_schedule=lr_schedules("cosine", "constant"),
    batch_size=Choice(8, 16, default=8),
)
