"""What a study is to hand out as its model."""

from dataclasses import dataclass
from typing import Annotated, Literal, final

from tuner.domain.key import Key
from tuner.domain.resources import AUTO


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSpec:
    """What the study's model is: one training, or with `ensemble` the average of several.

    `ensemble` is True, False, or "auto": for tables of one's own. With `all_rows` what is averaged trains again, on the
    validation rows too, where the objective does so.
    """

    ensemble: Annotated[
        bool | Literal["auto"],
        Key(words='average trainings; "auto": of own tables'),
    ] = AUTO
    all_rows: Annotated[bool, Key(words="train what is averaged again, on the validation rows too")] = True

    def combines(self, *, is_own_table: bool) -> bool:
        """Whether models are to be averaged."""
        return is_own_table if self.ensemble == AUTO else bool(self.ensemble)
