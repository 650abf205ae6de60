"""Train a language model on text: predict the next token of files, folders, JSONL, Parquet or tokens of your own."""

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, final

from tuner.domain.config import Config
from tuner.domain.data_summary import DataRecord
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import Model, SavedModel
from tuner.domain.search_space import SearchSpace
from tuner.domain.size_probe import SizeProbe
from tuner.domain.trial import Trial
from tuner.objectives._components import BATCH_SIZE, Part, part
from tuner.objectives._factory_objective import FactoryObjective
from tuner.objectives._language_settings import DEFAULT_BATCH_SIZE, LanguageSettings, located
from tuner.objectives._language_space import space_problems
from tuner.objectives._tasks import Task
from tuner.objectives._text_settings import refuse_short_parts
from tuner.objectives.text.corpus import Corpus, contents_hash, corpus_of
from tuner.objectives.text.token_cache import TokenData, token_file, tokens_of

__all__ = ["Language"]

_OF_DECODERS = ("init", "out", "dropout")
"""Fields of a decoder in which members of a cohort may differ."""


@final
class Language(FactoryObjective):
    """Language models.

    A configuration chooses `optimizer`, `lr_schedule` and `batch_size` (windows a step), the fields `init`, `out`,
    `depth` and `dropout` of the `architecture` decoder, and filters of the training text: `min_length`, `max_symbols`,
    `max_repetition` and `duplicates`. An epoch is `settings.steps` steps.
    """

    ranked: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        self._settings: LanguageSettings = LanguageSettings.of(settings)
        self._seed = seed
        self._corpus = _corpus(self._settings)

    @cached_property
    def _tokens(self) -> TokenData:
        # Made by the driver, so that workers find them in the cache.
        options = self._settings.tokens(self._seed)
        try:
            found = token_file(self._corpus.files[0], options) if self._is_file else tokens_of(self._corpus, options)
        except OSError as error:
            raise ConfigurationError(f"settings.dataset: {error.filename}: {error.strerror or error}") from None
        refuse_short_parts(found, self._settings.context, self._settings.test)
        return found

    @property
    def _is_file(self) -> bool:
        return self._settings.is_token_file

    @cached_property
    def _factory(self) -> Any:
        # The driver asks an objective questions and must not wait for torch; only a worker gets here.
        from tuner.objectives.training.language_factory import LanguageFactory  # noqa: PLC0415

        return LanguageFactory(self._tokens, self._settings, self._wanted, self._seed)

    @property
    def _task(self) -> Task:
        return Task.LANGUAGE

    def problems(self, space: SearchSpace) -> Sequence[str]:
        return tuple(space_problems(space))

    def notes(self, space: SearchSpace) -> Sequence[str]:
        del space
        return self._tokens.notes

    def data(self) -> DataRecord:
        tokens = self._tokens
        return DataRecord(
            path=self._settings.dataset, fingerprint=tokens.fingerprint, size=tokens.size, summary=tokens.summary
        )

    def proposal(self) -> Mapping[str, Any]:
        return {"search_space": "language", "metric": "bits_per_byte", "direction": "minimize"}

    @classmethod
    def located(cls, settings: Mapping[str, Any], folders: Sequence[Path]) -> Mapping[str, Any]:
        return located(settings, folders)

    @classmethod
    def fingerprint(cls, settings: Mapping[str, Any]) -> str | None:
        try:
            return contents_hash(_corpus(LanguageSettings.of(settings)))
        except ConfigurationError:  # which says so where the objective is built
            return None

    def probe(self, trial: Trial, steps: int) -> SizeProbe:
        found: SizeProbe = self._factory.probe(trial, steps)
        return found

    @classmethod
    def restore(cls, saved: SavedModel) -> Model:
        from tuner.objectives.training.language_model import restored  # noqa: PLC0415 - torch, as above

        return restored(saved)

    def cohort_key(self, config: Config) -> Hashable:
        """Return the decoder without the fields that may differ, and the batch size."""
        decoder = _decoder(config)
        for field in _OF_DECODERS:
            decoder = decoder.without(field)
        return decoder, config.get(BATCH_SIZE, DEFAULT_BATCH_SIZE)


def _decoder(config: Config) -> Part:
    return part({"architecture": "decoder", **config}, "architecture", Task.LANGUAGE)


def _corpus(settings: LanguageSettings) -> Corpus:
    if settings.is_token_file:
        if not Path(settings.dataset).is_file():
            raise ConfigurationError(f"settings.dataset: there is no file {settings.dataset}")
        return Corpus((Path(settings.dataset),))
    return corpus_of(settings.dataset, settings.column, settings.documents)
