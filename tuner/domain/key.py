"""What a study's specification declares about each of its keys, beside the type and the default: limits and words.

It stands in the field's annotation, and study files, overrides, the template, the JSON schema and the README follow it:

```python
trials: Annotated[int, Key(words="in all, of every run", least=1)] = 64
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, final


class Unit(Enum):
    """What a number counts; study files may write it with a unit: "10m", "8GiB"."""

    SECONDS = "seconds"
    BYTES = "bytes"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The declaration of one key.

    `words` describe it in a few words, for a comment behind it. `name` is what study files call it where that is not
    the field's name. A number is at least `least`, or `above` a bound. `members` is the package whose members it
    chooses from by name, with options. `example` is a value to show where the default is no value. A key that
    `can_be_none` has the word none for no value, which takes away one that was given elsewhere.
    """

    words: str
    name: str = ""
    least: int | None = None
    above: int | None = None
    unit: Unit | None = None
    members: str = ""
    can_be_none: bool = False
    example: str | float | tuple[Any, ...] | Mapping[str, Any] | None = None
