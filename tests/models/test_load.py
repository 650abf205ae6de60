"""An export is data: what is damaged is named, and nothing in it is run or imported."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.conftest import Place
from places import checkpoints_in

import tuner
from tuner.domain.errors import ConfigurationError, ModelError
from tuner.models.load import load

Cli = Callable[..., tuple[int, str, str]]


HUGE = {"shape": [10**13], "pictures": False}
"""What no machine has room for."""


def _rewrite(folder: Path, **changes: Any) -> None:
    """Change model.json as somebody would who knows how its checksum is made."""
    content = {**json.loads((folder / "model.json").read_text()), **changes}
    del content["checksum"]
    checksum = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    (folder / "model.json").write_text(json.dumps({**content, "checksum": checksum}))


def _said(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((folder / "model.json").read_text())
    return said


@pytest.mark.parametrize("name", ["model.json", "model.safetensors", "preprocessing.safetensors"])
@pytest.mark.parametrize("harm", ["cut", "flipped", "gone"])
def test_a_damaged_file_is_named(exported: Path, name: str, harm: str, cli: Cli) -> None:
    file = exported / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(content if harm == "flipped" else content[:-3])
    code, _, said = cli("predict", str(exported), "rows.csv")
    assert code == (2 if (name, harm) == ("model.json", "gone") else 4)
    assert str(exported if harm == "gone" and name == "model.json" else file) in said


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"architecture": "os.system"}},
        {"config": {"architecture": "../../evil"}},
        {"config": {"architecture": {"name": "mlp", "width": 7}}},
        {"config": {"architecture": {"name": "mlp", "width": "wide"}}},
        {"config": {"scaling": {"name": "standard", "__class__": "os.system"}}},
        {"config": {"loss": ["cross_entropy"]}},
        {"description": {}},
        {"description": {"task": "regression", "classes": None, "centre": 0, "spread": 1, "inputs": HUGE}},
        {"description": {"task": "os.system"}},
        {"settings": {"precision": "os.system"}},
    ],
    ids=str,
)
def test_a_description_of_no_model_is_refused(exported: Path, changes: Mapping[str, Any]) -> None:
    _rewrite(exported, **changes)
    with pytest.raises(ModelError, match=r"model\.json does not describe a model that Supervised could have made"):
        load(exported)


@pytest.mark.parametrize("name", ["os", "../evil", "_checks", "os.system", ""])
def test_an_objective_that_does_not_ship_is_unknown(exported: Path, name: str) -> None:
    _rewrite(exported, objective=name)
    with pytest.raises(ConfigurationError, match="unknown objective"):
        load(exported)


@pytest.mark.parametrize(
    "changes", [{"format": 3}, {"format": "1"}, {"seed": "0"}, {"files": []}, {"extra": 1}, {"config": None}], ids=str
)
def test_a_manifest_of_another_kind_is_refused(exported: Path, changes: Mapping[str, Any]) -> None:
    _rewrite(exported, **changes)
    with pytest.raises(ModelError, match=r"model\.json"):
        load(exported)


def test_nothing_that_an_export_names_is_imported(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    (exported / "evil.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    _rewrite(exported, objective="evil:Model", settings={"dataset": "evil", "objective": "evil:Model"})
    code = (
        "import sys, tuner\n"
        "try: tuner.load_model('model')\n"
        "except tuner.ConfigurationError as error: print(error)\n"
        "assert 'evil' not in sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "an export holds no code" in ran.stdout
    assert not (tmp_path / "ran").exists()


def test_files_that_the_manifest_names_elsewhere_are_not_read(exported: Path, tmp_path: Path) -> None:
    said = _said(exported)
    _rewrite(exported, files={"../outside.safetensors": said["files"]["model.safetensors"]})
    with pytest.raises(ModelError, match=r"model/model\.safetensors is damaged, or was changed"):
        load(exported)


def test_other_versions_than_those_it_was_exported_with_are_told(exported: Path) -> None:
    _rewrite(exported, versions={**_said(exported)["versions"], "scikit-learn": "0.1"})
    with pytest.warns(UserWarning, match=r"exported with scikit-learn 0\.1, and this is"):
        tuner.load_model(exported)


def generated(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    trial.save({"level": 1.0})
    yield {"score": trial.config["x"]}


def test_an_objective_that_is_a_generator_has_no_model_and_says_what_to_do(workplace: Path) -> None:
    spec = tuner.StudySpec(
        objective=generated,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="score",
        budget=tuner.Budget(trials=1, epochs=1),
        executor="inline",
    )
    with pytest.raises(ConfigurationError, match="does not say what its model is") as caught:
        tuner.run(spec).best_model()
    assert "OwnModel" in caught.value.hint
    assert str(checkpoints_in(workplace / ".tuner", "generated") / "trial-00000") in caught.value.hint


CURVES = """
from tuner import Cohort, Direction, Float, Objective, SearchSpace

space = SearchSpace(x=Float(0, 1))


class Curves(Objective):
    def __init__(self, settings, seed):
        pass

    def metrics(self):
        return {"score": Direction.MAXIMIZE}

    def cohort_key(self, config):
        return ()

    def start(self, trials):
        return Together(trials)


class Together(Cohort):
    def __init__(self, trials):
        self.trials = {trial.number: trial for trial in trials}

    def advance(self):
        return {number: {"score": trial.config["x"]} for number, trial in self.trials.items()}

    def drop(self, numbers):
        self.trials = {number: each for number, each in self.trials.items() if number not in numbers}

    def save(self, numbers):
        for number in numbers:
            self.trials[number].save({"score": 1.0})
"""


def spec_of(module: str) -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=f"{module}:Curves",
        search_space=f"{module}:space",
        metric="score",
        budget=tuner.Budget(trials=1, epochs=1),
        executor="inline",
    )


def test_an_objective_whose_class_makes_no_models_says_where_the_weights_lie(workplace: Path) -> None:
    (workplace / "curves.py").write_text(CURVES)
    with pytest.raises(ConfigurationError, match="curves:Curves makes no models that can be exported") as caught:
        tuner.run(spec_of("curves"), name="curves").best_model()
    assert "OwnModel" not in caught.value.hint
    assert str(checkpoints_in(workplace / ".tuner", "curves") / "trial-00000") in caught.value.hint


def test_why_a_model_cannot_be_made_is_said_on_one_line(workplace: Path) -> None:
    raising = "    def model(self, trial):\n        raise RuntimeError('in Net:\\n\\tmissing weight')\n\n    def start("
    (workplace / "unmade.py").write_text(CURVES.replace("    def start(", raising))
    with pytest.raises(ModelError, match="the model of trial 0: RuntimeError: in Net: missing weight"):
        tuner.run(spec_of("unmade"), name="unmade").best_model()


def test_an_empty_or_missing_folder_has_no_model(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigurationError, match="no exported model"):
            load(folder)


def test_an_own_model_is_exported_without_its_code_and_put_back_with_its_class(trained: Place, workplace: Path) -> None:
    (workplace / "rings.py").write_text(RINGS)
    (workplace / "rings.toml").write_text(
        'objective = "rings:Ring"\nsearch_space = "rings:space"\nmetric = "accuracy"\nexecutor = "inline"\n'
        "[budget]\ntrials = 2\nepochs = 2\n"
    )
    study = tuner.run("rings.toml")
    folder = study.export("exported")
    points = np.random.default_rng(0).random((9, 2))
    expected = study.best_model().predict_proba(points)
    with pytest.raises(ConfigurationError, match="an objective of your own, 'rings:Ring'"):
        tuner.load_model(folder)
    loaded = tuner.load_model(folder, objective="rings:Ring")
    assert loaded.predict_proba(points).tobytes() == expected.tobytes()
    assert loaded.classes_.tolist() == [0, 1]
    with pytest.raises(ConfigurationError, match=r"shape \(9, 3\), and the model reads \(rows, 2\)"):
        loaded.predict(np.zeros((9, 3)))
    with pytest.raises(ModelError, match="Other could have made"):
        tuner.load_model(folder, objective=sys.modules["rings"].Other)
    with pytest.raises(ConfigurationError, match="is not a class that inherits Objective"):
        tuner.load_model(folder, objective="rings:space")
    sys.path.remove(str(workplace))
    del sys.modules["rings"]


RINGS = """
import torch
from torch import nn

from tuner import Choice, OwnModel, SearchSpace

space = SearchSpace(width=Choice(4, 8))


class Ring(OwnModel):
    def build(self, config):
        return nn.Sequential(nn.Linear(2, config["width"]), nn.Tanh(), nn.Linear(config["width"], 2))

    def examples(self, split):
        points = 2 * torch.rand(64, 2, generator=torch.Generator().manual_seed(len(split))) - 1
        return points, (points.norm(dim=1) > 0.7).long()


class Other(Ring):
    def build(self, config):
        return nn.Linear(2, 2)
"""
