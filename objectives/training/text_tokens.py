"""Texts as the tokens that a pretrained classifier reads, all of one length."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from tuner.objectives.text.base_folder import BaseFolder
from tuner.objectives.text.tokens import library_tokenizer


@final
class TextTokens:
    """Makes tokens of texts, at most `context` of each, with the tokens that the base's tokenizer puts around them."""

    def __init__(self, base: BaseFolder, context: int) -> None:
        self._inner, self._whole = library_tokenizer(base.tokenizer), library_tokenizer(base.tokenizer)
        for each in (self._inner, self._whole):
            each.no_padding()
            each.no_truncation()
        self._inner.enable_truncation(context)
        self._pad = base.pad

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return how many tokens each text has, and they, filled up to the longest: (texts, 1 + steps)."""
        found = [each.ids or [self._pad] for each in self._inner.encode_batch([*texts])]
        steps = max(map(len, found), default=1)
        tokens = torch.full((len(found), 1 + steps), self._pad)
        for row, ids in enumerate(found):
            tokens[row, 0] = len(ids)
            tokens[row, 1 : 1 + len(ids)] = torch.tensor(ids)
        return tokens

    def all_of(self, text: str) -> list[int]:
        """Return the tokens of the whole text, and no others."""
        ids: list[int] = self._whole.encode(text, add_special_tokens=False).ids
        return ids

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text of tokens."""
        text: str = self._whole.decode([*ids])
        return text
