"""Loads a pretrained model from its folder, by the library transformers, and nothing from the network."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Task
from tuner.objectives.text.base_folder import BaseFolder
from tuner.objectives.training.adapted_model import AdaptableBase
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.weights import save
from tuner.system.files import whole_file

WEIGHTS = "model.safetensors"

_HEADS = ("score", "classifier")
"""What transformers calls the head of a classifier, and PEFT expects it to be called."""


def loaded(base: BaseFolder, task: Task, *, classes: int, precision: Precision, device: str) -> AdaptableBase:
    """Return the model, on the device; a classifier has this many `classes`.

    Raises `ConfigurationError` where the folder does not hold a model of the task.
    """
    library = _library()
    try:
        model, missing = _read(library, base, task, classes, precision)
    except _OF_LOADING as error:
        said = str(error).partition("\n")[0][:_SAID]
        raise ConfigurationError(f"settings.base: {base.path} cannot be loaded as {_CLASSES[task]}: {said}") from error
    model.config.use_cache = False  # type: ignore[union-attr]
    head = [*_head(model, missing)] if task is Task.CLASSIFICATION else []
    return AdaptableBase(model.to(device), task=task, head=head, drawn=missing)


_OF_LOADING = (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, SafetensorError)
"""What the library raises of a folder that holds no model, half a model, or one that needs code of its own."""

_SAID = 300
_CLASSES = {Task.LANGUAGE: "AutoModelForCausalLM", Task.CLASSIFICATION: "AutoModelForSequenceClassification"}


def _library() -> Any:
    try:
        import transformers  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigurationError(
            "objective finetune: needs the package transformers", hint="pip install 'tuner[finetune]'"
        ) from None
    return transformers


def _read(
    library: Any, base: BaseFolder, task: Task, classes: int, precision: Precision
) -> tuple[nn.Module, Sequence[str]]:
    """Return the model, and the names of its tensors that the folder does not have."""
    library.utils.logging.disable_progress_bar()
    library.utils.logging.set_verbosity_error()
    if base.is_random and not (base.path / WEIGHTS).exists():
        _draw(library, base.path)
    kind = getattr(library, _CLASSES[task])
    options: dict[str, Any] = {} if task is Task.LANGUAGE else {"num_labels": classes, "pad_token_id": base.pad}
    dtype = torch.bfloat16 if precision is Precision.BFLOAT16 else torch.float32
    with torch.random.fork_rng(devices=[]):
        model, info = kind.from_pretrained(
            base.path,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **options,
        )
    missing = {*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])}
    if task is Task.LANGUAGE and missing:
        raise ValueError(f"it has no {min(missing)}")
    return model, sorted(missing)


def _draw(library: Any, folder: Path) -> None:
    """Give the base that ships its weights: random ones, the same everywhere."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = library.AutoModelForCausalLM.from_config(library.AutoConfig.from_pretrained(folder))
    with whole_file(folder / WEIGHTS) as beside:
        save(model.state_dict(), beside)


def _head(model: nn.Module, missing: Sequence[str]) -> Iterator[str]:
    """Yield the linear layers of the head: those that transformers calls so, and those that the folder lacks."""
    lacking = {name.rpartition(".")[0] for name in missing}
    for name, layer in model.named_modules():
        if name.partition(".")[0] in _HEADS or name in lacking:
            if isinstance(layer, nn.Linear):
                yield name
            elif next(layer.parameters(recurse=False), None) is not None:
                raise ValueError(f"its head has {name}, a {type(layer).__name__}: only linear layers can be trained")
