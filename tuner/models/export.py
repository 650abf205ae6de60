"""A study's model as a folder of its own, which needs neither the study nor its data any more."""

import platform
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tuner.analysis.estimate import Estimate
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import OTHER_FORMATS, SavedModel
from tuner.domain.object_reference import reference_to
from tuner.formatting.redaction import without_secrets
from tuner.models.card import card
from tuner.models.from_study import StudyModel
from tuner.models.manifest import FORMAT, NAME, Manifest, digest
from tuner.system.files import whole

WEIGHTS = "model.safetensors"
PREPARATION = "preprocessing.safetensors"
ONNX = "model.onnx"
CARD = "README.md"
FILES = frozenset({NAME, WEIGHTS, PREPARATION, ONNX, CARD}) | OTHER_FORMATS
"""All that an export can hold."""

WEIGHTS_CODEC = "tuner.objectives.training.weights"
PREPARATION_CODEC = "tuner.objectives.training.checkpoints"
"""What write and read these files; by name, since they import torch."""

LIBRARIES = ("tuner", "torch", "numpy", "scikit-learn")
"""Those whose versions may change what a model answers."""


def export(found: StudyModel, folder: Path, *, force: bool = False, onnx: bool = False) -> Path:
    """Write the model into `folder`, all of it or nothing, and return the folder's path.

    `force` lets it take the place of an earlier export, and of nothing else. Raises `ConfigurationError` where
    something is in the way, or the folder cannot be written.
    """
    folder = folder.expanduser().resolve()
    _refuse_to_replace(folder, force=force)
    saved = found.model.save()
    try:
        with whole(folder) as beside:
            _write_tensors(saved, beside)
            found.model.write_formats(beside)
            if onnx:
                found.model.write_onnx(beside / ONNX)
            manifest = _manifest(found, saved, beside)
            manifest.write(beside)
            (beside / CARD).write_text(card(manifest, found.model.columns), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror or error}") from error
    return folder


def _write_tensors(saved: SavedModel, folder: Path) -> None:
    import_module(WEIGHTS_CODEC).save(saved.weights, folder / WEIGHTS)
    import_module(PREPARATION_CODEC).save(saved.preparation, folder / PREPARATION)


def _refuse_to_replace(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is a file, and an export is a folder")
    inside = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
    if inside and not force:
        raise ConfigurationError(
            f"{folder} is not empty (it has {inside[0]})", hint="name another folder, or let --force replace an export"
        )
    foreign = [name for name in inside if name not in FILES]
    if foreign:
        raise ConfigurationError(
            f"{folder} has {foreign[0]}, which is not of an export, and would be lost", hint="name another folder"
        )


def _manifest(found: StudyModel, saved: SavedModel, folder: Path) -> Manifest:
    return Manifest(
        format=FORMAT,
        objective=reference_to(found.spec.objective),
        config=dict(saved.config),
        settings=without_secrets(saved.settings),
        seed=saved.seed,
        description=dict(saved.description),
        study=_study(found),
        metrics=dict(_metrics(found)),
        versions={"python": platform.python_version()} | {library: version(library) for library in LIBRARIES},
        files={path.name: digest(path) for path in sorted(folder.iterdir())},
    )


def _study(found: StudyModel) -> dict[str, Any]:
    spec, summary, trial = found.spec.describe(), found.summary, found.chosen.trial
    return {
        "name": summary.study.name,
        "goal": str(summary.study.goal),
        "trial": trial.number,
        "epoch": found.chosen.training.epoch,
        "confirmed": found.chosen.training is not trial,
        "tested": len(summary.tested),
        "trials": summary.finished,
        "epochs": summary.epochs,
        "sampler": spec["sampler"]["name"],
        "scheduler": spec["scheduler"]["name"],
        "default_value": summary.default.value if summary.default is not None else None,
    }


def _metrics(found: StudyModel) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the model's own metrics by where they were measured, and what trainings like its own have in the mean."""
    chosen, summary = found.chosen, found.summary
    yield "validation", dict(chosen.training.metrics)
    if chosen.training is not chosen.trial:
        assert summary.confirmation is not None
        if chosen.training.test_metrics is not None:
            yield "test", dict(chosen.training.test_metrics)
        trainings = f"{len(summary.confirmation.winner.complete)} trainings"
        for split, estimates in (("validation", summary.confirmation.metrics), ("test", summary.confirmation.test)):
            if estimates:
                yield f"{split}, {trainings}", {name: _interval(each) for name, each in estimates.items()}
    elif summary.confirmation is None and summary.test_metrics is not None and summary.best == chosen.trial:
        yield "test", dict(summary.test_metrics)


def _interval(estimate: Estimate) -> dict[str, Any]:
    described = estimate.describe()
    return {name: described[name] for name in ("mean", "low", "high", "rows")}
