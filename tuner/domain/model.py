"""A trained model as a person uses it: raw inputs in, answers in the words and units of the data out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError

OTHER_FORMATS = frozenset({"adapter_config.json", "adapter_model.safetensors"})
"""Files that models write for other libraries: adapters as PEFT reads them."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModel:
    """All that a model is beside its code, as it is stored.

    `weights` are tensors by the names they have in the network; `preparation` is what was fitted to prepare inputs,
    nested dicts and lists of arrays, numbers and text; `description` is the rest, as JSON.
    """

    config: Config
    settings: Config
    seed: int
    description: Mapping[str, Any]
    weights: Mapping[str, Any]
    preparation: Mapping[str, Any]


class Model(ABC):
    """A trained model. Its conventions are scikit-learn's.

    Inputs are raw, as they were before any preprocessing: a NumPy array with an example a row, or a pandas DataFrame
    whose columns are found by their names. Inputs that cannot be read raise `ConfigurationError` with everything wrong
    with them.
    """

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...] | None:
        """The columns that it reads of a table, in their order; None where its examples are no rows of a table."""

    @property
    @abstractmethod
    def classes_(self) -> Any:
        """The classes as the data names them, in the order of `predict_proba`; an AttributeError for values."""

    @property
    def is_classifier(self) -> bool:
        """Whether it answers with classes, not with values."""
        return hasattr(self, "classes_")

    @abstractmethod
    def predict(self, inputs: Any) -> Any:
        """Return an answer a row, as an array: a class as the data names it, or a value in the data's unit."""

    @abstractmethod
    def predict_proba(self, inputs: Any) -> Any:
        """Return the probability of each class, (rows, classes); an AttributeError where values are predicted."""

    def generate(self, text: str = "", *, tokens: int = 100, temperature: float = 1.0, seed: int = 0) -> str:
        """Return `text` and what a language model continues it with: `tokens` of them, or fewer where it ends.

        At a `temperature` of 0 the most probable token comes each time; below 1 probable ones come more often than the
        model says. The same `seed` draws the same text. An AttributeError for any other model.
        """
        raise AttributeError("only a language model continues texts")

    @property
    def example_file(self) -> str:
        """What a file with further inputs may be called."""
        return "NEW.npy" if self.columns is None else "NEW.csv"

    def doubts(self, inputs: Any) -> Sequence[str]:
        """Return what in the inputs is new to the model, so that answers are worth less, one line each."""
        return ()

    @abstractmethod
    def save(self) -> SavedModel:
        """Return what `Objective.restore` makes the same model of."""

    def write_formats(self, folder: Path) -> None:  # noqa: B027 - most have none
        """Write what other libraries read the model from, beside the files of its export: `OTHER_FORMATS`."""

    def write_onnx(self, path: Path) -> None:
        """Write the network to `path` as ONNX; raises `ConfigurationError` where that cannot be done."""
        raise ConfigurationError(f"a {type(self).__name__} cannot be written as ONNX")
