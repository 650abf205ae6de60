"""Hydra's sweeps as studies: the guide's program and its command as they stand, resumed and killed."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from commands import PROGRAM, ROOT
from hydra.core.override_parser.overrides_parser import OverridesParser
from integrations.guides import Guide, study
from omegaconf import OmegaConf

from tuner import Choice, ConfigurationError, Float, Int
from tuner.integrations.hydra import parameter_of

GUIDE = Guide("hydra", "hydra", "tuner.integrations.hydra")
DYING = "    if hydra.core.hydra_config.HydraConfig.get().job.num == 2 and not os.path.exists('died'):\n"


def command(folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    _, *words = shlex.split(GUIDE.commands[0])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return GUIDE.template.run(*words, "hydra.sweeper.executor=inline", *more, cwd=folder, env=environment, main=PROGRAM)


def results(folder: Path) -> list[tuple[Mapping[str, Any], float | None]]:
    return [(trial.config, trial.value) for trial in study(folder, "train").trials]


def test_a_sweep_is_a_study_that_the_same_command_resumes(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        GUIDE.write(folder)
    program = killed / "train.py"
    program.write_text(
        "import os, hydra.core.hydra_config\n"
        + program.read_text().replace(
            "    target =", f"{DYING}        open('died', 'w').close()\n        os.kill(os.getpid(), 9)\n    target ="
        )
    )
    done = command(whole)
    assert done.returncode == 0, done.stderr
    assert command(killed).returncode == -9
    assert len(results(killed)) == 3
    resumed = command(killed)
    assert resumed.returncode == 0, resumed.stderr
    assert results(killed) == results(whole)
    with pytest.raises(ConfigurationError, match="lies in no module") as refused:
        study(whole, "train").resume(trust=True)
    assert "the same Hydra command again" in refused.value.hint
    (best,) = whole.glob("multirun/*/*/optimization_results.yaml")
    found = OmegaConf.to_container(OmegaConf.load(best))
    assert isinstance(found, dict)
    assert found["best_value"] == min(value for _, value in results(whole) if value is not None)
    assert found["best_params"].keys() == {"lr", "model.layers", "model.activation"}


@pytest.mark.parametrize(
    ("override", "parameter"),
    [
        ("a=interval(0, 2)", Float(0.0, 2.0)),
        ("a=tag(log, interval(1e-4, 1e-1))", Float(1e-4, 1e-1, log=True)),
        ("a=tag(log, int(interval(1, 64)))", Int(1, 64, log=True)),
        ("a=range(1, 4)", Int(1, 3, step=1)),
        ("a=range(0, 64, 16)", Int(0, 48, step=16)),
        ("a=range(0, 1, 0.5)", Choice(0.0, 0.5)),
        ("a=choice(relu, gelu)", Choice("relu", "gelu")),
        ("a=1,2.5,true,null", Choice(1, 2.5, "True", "null")),
    ],
)
def test_what_is_swept_over_is_a_parameter(override: str, parameter: Any) -> None:
    assert parameter_of(OverridesParser.create().parse_override(override)).describe() == parameter.describe()


def test_what_cannot_be_searched_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="glob"):
        parameter_of(OverridesParser.create().parse_override("a=glob(*)"))
