"""Data of a language model: a worker's tokens, opened once, with a view of them for each choice of filters."""

from typing import final

from tuner.domain.trial import Trial
from tuner.objectives._tasks import Task
from tuner.objectives.text.quality import Filters
from tuner.objectives.text.token_cache import TokenData
from tuner.objectives.training.data import Data, Examples
from tuner.objectives.training.next_token import OUTPUTS
from tuner.objectives.training.token_windows import TokenFile, TokenWindows, evaluation_windows

_LOGITS_AT_ONCE = 1 << 21
"""How many logits one model has at once while it is evaluated."""


@final
class LanguageData:
    """Windows of `context` tokens; an epoch is `steps` steps, and `evaluation_tokens` at most are evaluated."""

    def __init__(
        self, tokens: TokenData, *, context: int, steps: int, evaluation_tokens: int, block_weights: int
    ) -> None:
        self._tokens = tokens
        self._context = context
        self._steps = steps
        self._evaluation_tokens = evaluation_tokens
        self._block_weights = block_weights
        self._file: TokenFile | None = None
        self._data: dict[tuple[Filters, str], Data] = {}
        self._evaluated: dict[tuple[str, str], Examples] = {}

    def of(self, trial: Trial) -> Data:
        """Return the data as the trial's filters leave it."""
        key = Filters.of(trial.config), trial.device
        if key not in self._data:
            self._data[key] = self._filtered(*key)
        return self._data[key]

    def _filtered(self, filters: Filters, device: str) -> Data:
        return Data(
            task=Task.LANGUAGE,
            outputs=OUTPUTS,
            train=self._windows(filters, device),
            validation=self._examples("validation", device),
            make_test=lambda: self._examples("test", device),
            shape=(self._context,),
            at_once=max(1, _LOGITS_AT_ONCE // (self._context * self._tokens.vocabulary)),
            block_weights=self._block_weights,
        )

    def _windows(self, filters: Filters, device: str) -> TokenWindows:
        documents = self._tokens.documents
        if self._file is None:
            self._file = TokenFile(self._tokens.parts["train"])
        windows = TokenWindows(
            self._file,
            context=self._context,
            steps=self._steps,
            device=device,
            lengths=documents.get("tokens"),
            kept=filters.kept(documents) if documents else None,
        )
        if len(windows) <= self._context:
            raise ValueError(f"the filters leave {len(windows)} tokens, fewer than a window: {filters}")
        return windows

    def _examples(self, name: str, device: str) -> Examples:
        # The same windows for all filters, so that trials are compared on the same text.
        if (name, device) not in self._evaluated:
            self._evaluated[name, device] = evaluation_windows(
                self._tokens.parts[name],
                context=self._context,
                most=self._evaluation_tokens,
                bytes_per_token=self._tokens.bytes_per_token,
                device=device,
            )
        return self._evaluated[name, device]
