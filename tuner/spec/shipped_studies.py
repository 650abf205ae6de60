"""The study files that come with the package."""

from importlib.resources import files
from pathlib import Path


def shipped_studies() -> tuple[str, ...]:
    """Return their names, in alphabetical order."""
    names = [entry.name for entry in files("tuner").joinpath("studies").iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def shipped_study(name: str) -> Path:
    """Return the path of one of them."""
    return Path(str(files("tuner").joinpath("studies", f"{name}.toml")))
