"""Fine-tune a pretrained model of a local Hugging Face folder by LoRA, to continue texts or to classify them."""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.data_summary import DataRecord
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import Model, SavedModel
from tuner.domain.search_space import SearchSpace
from tuner.formatting.values import amount
from tuner.objectives._components import BATCH_SIZE
from tuner.objectives._factory_objective import FactoryObjective
from tuner.objectives._finetune_settings import DEFAULT_BATCH_SIZE, FinetuneSettings, located
from tuner.objectives._finetune_space import space_problems
from tuner.objectives._tasks import Task
from tuner.objectives._text_settings import refuse_short_parts
from tuner.objectives.datasets._splitting import Split
from tuner.objectives.text.base_folder import BaseFolder, base_at
from tuner.objectives.text.corpus import Corpus, contents_hash, corpus_of
from tuner.objectives.text.labelled_texts import LabelledTexts, labelled_texts
from tuner.objectives.text.token_cache import TokenData, tokens_of

__all__ = ["Finetune"]


@final
class Finetune(FactoryObjective):
    """Adapters of a pretrained model.

    A configuration chooses the `adapter` lora (rank, alpha, dropout, modules, layers), `optimizer`, `lr_schedule` and
    `batch_size`; for a language model filters of the training text, for a classifier the `loss`. An epoch of a
    language model is `settings.steps` steps, that of a classifier all texts once.
    """

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        self._settings: FinetuneSettings = FinetuneSettings.of(settings)
        self._seed = seed
        self._base = base_at(self._settings.base)
        self._corpus = _corpus(self._settings)
        if problem := self._settings.base_problem(self._base):
            raise ConfigurationError(f"settings.{problem}")

    @cached_property
    def _texts(self) -> TokenData | LabelledTexts:
        try:
            if self._settings.is_classifier:
                return labelled_texts(self._corpus, self._settings.dataset, self._settings.target)
            return self._tokens()
        except OSError as error:
            raise ConfigurationError(f"settings.dataset: {error.filename}: {error.strerror or error}") from None

    def _tokens(self) -> TokenData:
        found = tokens_of(self._corpus, self._settings.tokens(self._base, self._seed))
        _check_tokens(found, self._base, self._settings)
        return found

    @cached_property
    def _split(self) -> Split | None:
        settings, texts = self._settings, self._texts
        if not isinstance(texts, LabelledTexts):
            return None
        shares = {"validation": settings.validation, "test": settings.test}
        return texts.split(**shares, near_duplicates=settings.near_duplicates, seed=self._seed)

    @cached_property
    def _factory(self) -> Any:
        # The driver asks an objective questions and must not wait for torch; only a worker gets here.
        from tuner.objectives.training.finetune_factory import FinetuneFactory  # noqa: PLC0415

        return FinetuneFactory(
            self._base, self._texts, self._settings, split=self._split, seed=self._seed, wanted=self._wanted
        )

    @property
    def _task(self) -> Task:
        return Task(self._settings.task)

    def problems(self, space: SearchSpace) -> Sequence[str]:
        settings = self._settings
        return tuple(space_problems(space, is_classifier=settings.is_classifier, widest=settings.max_rank))

    def notes(self, space: SearchSpace) -> Sequence[str]:
        del space
        texts = self._texts
        if isinstance(texts, TokenData):
            return texts.notes
        left_out = f"left out for want of a text or a class: {amount(texts.unlabelled, 'row')}"
        return (left_out,) if texts.unlabelled else ()

    def data(self) -> DataRecord:
        texts = self._texts
        contents = texts.fingerprint if isinstance(texts, TokenData) else contents_hash(self._corpus)
        summary = texts.summary if isinstance(texts, TokenData) else self._summary(texts)
        return DataRecord(
            path=self._settings.dataset,
            fingerprint=_identity(self._base, contents),
            size=self._corpus.size,
            summary=f"{summary}; base: {self._base.kind}, {self._base.path}",
        )

    def _summary(self, texts: LabelledTexts) -> str:
        split = self._split
        assert split is not None
        shown = ", ".join(texts.classes[:_LISTED]) + (", ..." if len(texts.classes) > _LISTED else "")
        return (
            f"{len(texts.texts):,} texts of {len(texts.classes)} classes ({shown}): {len(split.train):,} train, "
            f"{len(split.validation):,} validate"
        )

    def proposal(self) -> Mapping[str, Any]:
        if self._settings.is_classifier:
            return {"search_space": "finetune_classifier", "metric": "accuracy", "direction": "maximize"}
        return {"search_space": "finetune", "metric": "bits_per_byte", "direction": "minimize"}

    @classmethod
    def located(cls, settings: Mapping[str, Any], folders: Sequence[Path]) -> Mapping[str, Any]:
        return located(settings, folders)

    @classmethod
    def fingerprint(cls, settings: Mapping[str, Any]) -> str | None:
        try:
            found = FinetuneSettings.of(settings)
            return _identity(base_at(found.base), contents_hash(_corpus(found)))
        except ConfigurationError:  # which says so where the objective is built
            return None

    def cohort_key(self, config: Config) -> Hashable:
        """Return the batch size: adapters of all ranks, in whichever layers, train together."""
        size: int = config.get(BATCH_SIZE, DEFAULT_BATCH_SIZE)
        return size

    @classmethod
    def restore(cls, saved: SavedModel) -> Model:
        from tuner.objectives.training.adapter_model import restored  # noqa: PLC0415 - torch, as above

        return restored(saved)


_LISTED = 6


def _check_tokens(found: TokenData, base: BaseFolder, settings: FinetuneSettings) -> None:
    if found.vocabulary > base.vocabulary:
        raise ConfigurationError(
            f"settings.base: {base.tokenizer} has {found.vocabulary} tokens, and the model knows {base.vocabulary}"
        )
    refuse_short_parts(found, settings.context, settings.test)


def _identity(base: BaseFolder, contents: str) -> str:
    return f"sha256:{hashlib.sha256(f'{base.fingerprint} {contents}'.encode()).hexdigest()}"


def _corpus(settings: FinetuneSettings) -> Corpus:
    return corpus_of(settings.dataset, settings.column, settings.documents)
