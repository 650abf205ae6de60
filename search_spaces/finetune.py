"""Fine-tuning of a language model: adapters, their rates, and the text that they learn from."""

from tuner import Choice, SearchSpace
from tuner.search_spaces._blocks import adapters, finetuning_optimizers, lr_schedules

__all__ = ["space"]

space = SearchSpace(
    adapter=adapters(),
    optimizer=finetuning_optimizers(),
    lr_schedule=lr_schedules("cosine", "constant"),
    duplicates=Choice("near", "keep"),
    batch_size=Choice(4, 8, default=8),
)
