"""A study's model as a folder of its own, which needs neither the study nor its data any more."""

import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tuner.analysis.estimate import Estimate
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import OTHER_FORMATS, Model, SavedModel
from tuner.domain.object_reference import reference_to
from tuner.formatting.redaction import without_secrets
from tuner.models.card import card
from tuner.models.from_study import StudyModel
from tuner.models.manifest import FORMAT, NAME, OF_ENSEMBLES, Manifest, digest
from tuner.system.files import whole

WEIGHTS = "model.safetensors"
PREPARATION = "preprocessing.safetensors"
ONNX = "model.onnx"
CARD = "README.md"
SINGLE = "single"
"""The folder in an ensemble's export that has the single model's."""

FILES = frozenset({NAME, WEIGHTS, PREPARATION, ONNX, CARD, SINGLE}) | OTHER_FORMATS
"""All that an export can hold."""

WEIGHTS_CODEC = "tuner.objectives.training.weights"
PREPARATION_CODEC = "tuner.objectives.training.checkpoints"
"""What write and read these files; by name, since they import torch."""

LIBRARIES = ("tuner", "torch", "numpy", "scikit-learn")
"""Those whose versions may change what a model answers."""


def export(found: StudyModel, folder: Path, *, force: bool = False, onnx: bool = False) -> Path:
    """Write the study's model into `folder`, all of it or nothing, and return the folder's path.

    Where that is an ensemble, the single model lies in a folder of its own in it, and is what `onnx` is for. `force`
    lets it take the place of an earlier export, and of nothing else. Raises `ConfigurationError` where something is in
    the way, or the folder cannot be written.
    """
    folder = folder.expanduser().resolve()
    _refuse_to_replace(folder, force=force)
    try:
        with whole(folder) as beside:
            single = beside
            if found.ensemble is not None:
                single = beside / SINGLE
                single.mkdir()
            _write(found, found.model, single, onnx=onnx)
            if found.ensemble is not None:
                _write(found, found.ensemble, beside, onnx=False)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror or error}") from error
    return folder


def _write(found: StudyModel, model: Model, folder: Path, *, onnx: bool) -> None:
    saved = model.save()
    _write_tensors(saved, folder)
    model.write_formats(folder)
    if onnx:
        model.write_onnx(folder / ONNX)
    manifest = _manifest(found, model, saved, folder)
    manifest.write(folder)
    (folder / CARD).write_text(card(manifest, model.columns), encoding="utf-8")


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


def _manifest(found: StudyModel, model: Model, saved: SavedModel, folder: Path) -> Manifest:
    is_ensemble = model is found.ensemble
    return Manifest(
        format=OF_ENSEMBLES if is_ensemble else FORMAT,
        objective=reference_to(found.spec.objective),
        config=dict(saved.config),
        settings=without_secrets(saved.settings),
        seed=saved.seed,
        description=dict(saved.description),
        study=_study(found) | _made_of(found, is_ensemble=is_ensemble),
        metrics=dict(_of_answer(found) if is_ensemble else _metrics(found)),
        versions={"python": platform.python_version()} | {library: version(library) for library in LIBRARIES},
        files={path.name: digest(path) for path in sorted(folder.iterdir()) if path.is_file()},
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


def _of_answer(found: StudyModel) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the ensemble's metrics by where they were measured, and beside them the single model's."""
    assert found.answer is not None  # or there is no ensemble
    single = found.answer.single
    for split, used, alone in (
        ("validation", found.answer.used.validation, single.validation),
        ("test", found.answer.used.test, single.test),
    ):
        if used is not None and alone is not None:
            yield split, {**used.metrics, found.answer.metric: _interval(used.estimate)}
            yield f"{split}, single model", {**alone.metrics, found.answer.metric: _interval(alone.estimate)}


def _made_of(found: StudyModel, *, is_ensemble: bool) -> dict[str, Any]:
    """Return what a model is made of, its size and latency, and how it was calibrated, as far as that is known."""
    if found.answer is None:
        return {}
    answer = found.answer.used if is_ensemble else found.answer.single
    split, where = (answer.validation, "validation") if answer.test is None else (answer.test, "test")
    losses = {"raw_log_loss": split.raw_log_loss, "log_loss": split.metrics.get("log_loss"), "split": where}
    return {
        "trainings": sum(each.count for each in answer.members),
        "members": [asdict(each) for each in answer.members],
        "weights": answer.weights,
        "latency_ms": answer.latency_ms,
        "all_rows": answer.all_rows,
        **({"calibration": {**answer.calibration, **losses}} if answer.calibration else {}),
    }


def _interval(estimate: Estimate) -> dict[str, Any]:
    described = estimate.describe()
    return {name: described[name] for name in ("mean", "low", "high", "rows")}
