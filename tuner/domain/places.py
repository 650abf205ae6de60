"""Where a study is run and what it keeps is kept, beyond the machine that it is started on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

from tuner.domain.key import Key, Unit


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


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The Ray cluster that a study joins; without an `address` Ray's own variable, RAY_ADDRESS, or this machine alone.

    The folder of the study travels to the nodes unless `send_code` is false, without what `exclude` says in the
    patterns of .gitignore, and may have `code_limit` bytes. `env` names environment variables that trials have there.
    """

    address: Annotated[str, Key(words='"auto", HOST:PORT or ray://HOST:PORT', example="auto")] = ""
    send_code: Annotated[bool, Key(words="whether the study's folder travels to the nodes")] = True
    exclude: Annotated[
        Sequence[str], Key(words="what of it stays, in the patterns of .gitignore", example=("data/", "*.ckpt"))
    ] = ()
    code_limit: Annotated[int, Key(words="how large what travels may be", unit=Unit.BYTES)] = 100 * 2**20
    env: Annotated[
        Sequence[str], Key(words="environment variables that the nodes are given", example=("AWS_ENDPOINT_URL",))
    ] = ()
