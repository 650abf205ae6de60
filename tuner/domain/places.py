"""Where what a study keeps is kept, beyond the machine that it is started on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

from tuner.domain.key import Key


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSpec:
    """Where what is too large for the database is kept: `checkpoints` is a URL, or the absolute path of a folder.

    Without it they lie beside the database. It is part of the study: one that is resumed finds them there, on any
    machine.
    """

    checkpoints: Annotated[
        str, Key(words="a URL that every machine reaches; by default beside the database", example="s3://bucket/prefix")
    ] = ""

    def __post_init__(self) -> None:
        if isinstance(self.checkpoints, str):
            place = self.checkpoints.rstrip("/")
            is_path = place.startswith(("/", "~"))
            object.__setattr__(self, "checkpoints", f"file://{Path(place).expanduser()}" if is_path else place)
