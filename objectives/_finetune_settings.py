"""Settings of the objective that fine-tunes a pretrained model: the `[settings]` section of a study file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import ConfigurationError
from tuner.objectives._settings import PRECISIONS
from tuner.objectives._tasks import Task
from tuner.objectives._text_settings import (
    COUNT,
    OF_SPLITS,
    Check,
    found_in,
    split_problems,
    unknown_settings,
    value_problems,
    word_problems,
)
from tuner.objectives.text.base_folder import CONFIG, RANDOM, BaseFolder
from tuner.objectives.text.corpus import DOCUMENTS, STDLIB
from tuner.objectives.text.token_cache import TokenOptions

_TASKS = (Task.LANGUAGE.value, Task.CLASSIFICATION.value)

DEFAULT_BATCH_SIZE = 8
"""How many texts or windows a step shows where the configuration does not say."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneSettings:
    """The base, what it is trained for, and the texts.

    `base` is a local folder of a Hugging Face model, or "random". A language model learns the texts of `dataset`; a
    classifier learns the `target` of each text in `column`, or without a `target` the name of its folder. `context` is
    how many tokens are read at once, and `micro_batch` how many examples of a step, where a trial trains alone (None:
    all). `max_rank` is the rank that adapters may have at most.
    """

    base: str
    dataset: str
    task: str = Task.LANGUAGE.value
    column: str = "text"
    target: str | None = None
    documents: str = "auto"
    near_duplicates: float = 0.8
    validation: float = 0.1
    test: float = 0.1
    context: int = 128
    steps: int = 50
    micro_batch: int | None = None
    evaluation_tokens: int = 32_768
    max_rank: int = 16
    precision: str = "float32"

    @staticmethod
    def of(values: Mapping[str, Any]) -> "FinetuneSettings":
        """Return the settings with these values, or raise `ConfigurationError` with everything wrong with them."""
        if problems := [*_problems(values)]:
            raise ConfigurationError([f"settings.{problem}" for problem in problems])
        return FinetuneSettings(**values)

    def base_problem(self, base: BaseFolder) -> str | None:
        """Return why the base cannot be trained with these settings; None where it can."""
        if base.positions is not None and self.context > base.positions:
            return f"context: {self.context} is more than the {base.positions} tokens that the base can read"
        if not self.is_classifier and base.end is None:
            return f"base: {base.path / CONFIG} has no eos_token_id: a language model needs it to end texts"
        return None

    @property
    def is_classifier(self) -> bool:
        """Whether texts are classified, and not continued."""
        return self.task == Task.CLASSIFICATION.value

    def tokens(self, base: BaseFolder, seed: int) -> TokenOptions:
        """Return how texts become the base's tokens; the study's seed decides their split."""
        return TokenOptions(
            tokenizer=str(base.tokenizer),
            end=base.end,
            vocabulary=0,
            near_duplicates=self.near_duplicates,
            validation=self.validation,
            test=self.test,
            seed=seed,
        )


def located(settings: Mapping[str, Any], folders: Sequence[Path]) -> Mapping[str, Any]:
    """Return the settings with absolute paths of the base and the texts; the first folder that has it counts."""
    known = {"base": RANDOM, "dataset": STDLIB}
    found = {
        key: found_in(folders, value)
        for key, ships in known.items()
        if isinstance(value := settings.get(key), str) and value != ships
    }
    return {**settings, **found}


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    yield from unknown_settings(values, [field.name for field in fields(FinetuneSettings)])
    wanted = {
        "base": f'the local folder of a Hugging Face model, or "{RANDOM}"',
        "dataset": 'texts: a file, a folder, or a pattern such as "corpus/*.txt"',
    }
    for key, what in wanted.items():
        if not isinstance(value := values.get(key), str) or not value:
            yield f"{key}: {'missing' if not value else f'{value!r} is not a path'}; {what}"
    yield from value_problems(values, _CHECKS)
    yield from word_problems(values, _WORDS)
    if values.get("target") is not None and values.get("task", Task.LANGUAGE.value) == Task.LANGUAGE.value:
        yield f'target: is for task = "{Task.CLASSIFICATION.value}"; a language model learns the text itself'
    yield from split_problems(values)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


_CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(("micro_batch", "context", "steps", "evaluation_tokens", "max_rank"), COUNT),
    **dict.fromkeys(("column", "target"), (_is_text, "text")),
    **OF_SPLITS,
}

_WORDS: Mapping[str, Sequence[str]] = {"precision": PRECISIONS, "documents": DOCUMENTS, "task": _TASKS}
