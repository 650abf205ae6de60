"""Hydra: sweeps as studies. A job is a trial; what is swept over is the search space."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.core.singleton import Singleton
from hydra.core.utils import configure_log, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

import tuner
from tuner.domain.parameter import Parameter

_LOG = logging.getLogger(__name__)


def sweep(sweeper: Any, arguments: Sequence[str]) -> tuner.Study:
    """Run the study of a sweep, or resume it where there is one of its name, and return it.

    `sweeper.options` are the keys of `hydra.sweeper`, `arguments` the overrides of the command line, which come after
    those of `params`. Writes the best trial to `optimization_results.yaml` in the sweep's folder.
    """
    options = dict(sweeper.options)
    parser = OverridesParser.create(config_loader=sweeper.hydra_context.config_loader)
    texts = [f"{key}={value}" for key, value in options.pop("params").items()]
    parsed = {each.get_key_element(): each for each in parser.parse_overrides([*texts, *arguments])}
    swept = {key: each for key, each in parsed.items() if each.is_sweep_override()}
    if not swept:
        raise tuner.ConfigurationError(
            "hydra/sweeper=tuner: nothing is swept over",
            hint="'lr=tag(log, interval(1e-5, 1e-1))', 'layers=range(1, 4)'",
        )
    keys = {_name(key): key for key in swept}
    fixed = [each.input_line for key, each in parsed.items() if key not in swept]
    space = tuner.SearchSpace(**{_name(key): parameter_of(each) for key, each in swept.items()})
    job = _Job(
        hydra_context=sweeper.hydra_context,
        config=sweeper.config,
        task_function=sweeper.task_function,
        singletons=Singleton.get_state(),
        fixed=tuple(map(str, fixed)),
        keys=keys,
    )
    configure_log(sweeper.config.hydra.hydra_logging, sweeper.config.hydra.verbose)
    study = _studied(_spec(options, space, job.run), options["storage"])
    best = study.best_trial
    _LOG.info("study %s: the best is trial %d, %s = %s", study.name, best.number, options["metric"], best.value)
    _write_best(study, keys, Path(sweeper.config.hydra.sweep.dir))
    return study


def _spec(options: Mapping[str, Any], space: tuner.SearchSpace, run: Callable[[tuner.Trial], Any]) -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=run,
        search_space=space,
        name=options["study_name"],
        metric=options["metric"],
        direction=options["direction"],
        seed=options["seed"],
        budget=tuner.Budget(trials=options["trials"], epochs=options["epochs"]),
        sampler=options["sampler"],
        scheduler=options["scheduler"],
        resources=tuner.Resources(cpu=options["cpu"], gpu=options["gpu"], parallel=options["parallel"]),
        executor=options["executor"],
    )


def _studied(spec: tuner.StudySpec, storage: str | None) -> tuner.Study:
    try:
        study = tuner.load_study(spec.name, storage, spec=spec)
    except tuner.StudyNotFoundError:
        return tuner.run(spec, storage=storage)
    return study.resume(trials=spec.budget.trials)


def _write_best(study: tuner.Study, keys: Mapping[str, str], folder: Path) -> None:
    best = study.best_trial
    found = {
        "name": "tuner",
        "study": study.name,
        "best_params": {keys[name]: value for name, value in best.config.items()},
        "best_value": best.value,
    }
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(OmegaConf.create(found), folder / "optimization_results.yaml")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What a trial's process needs to run a job of Hydra's."""

    hydra_context: HydraContext
    config: DictConfig
    task_function: Any
    singletons: Any
    fixed: tuple[str, ...]
    keys: Mapping[str, str]
    """The override keys by the names of parameters."""

    def run(self, trial: tuner.Trial) -> Any:
        """Run the job of a trial's configuration, and return what the task function does."""
        setup_globals()
        Singleton.set_state(self.singletons)
        overrides = [*self.fixed, *(f"{self.keys[name]}={value}" for name, value in trial.config.items())]
        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = trial.number
        job = run_job(
            task_function=self.task_function,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self.hydra_context,
        )
        return job.return_value  # which raises what the task has raised


def _name(key: str) -> str:
    """Return a parameter's name for an override key, such as `optimizer_lr` for `optimizer.lr`."""
    return re.sub(r"\W+", "_", key).strip("_")


def parameter_of(override: Override) -> Parameter:
    """Return what an override sweeps over as a parameter; raises `ConfigurationError` where there is none like it."""
    sweep, log = override.value(), "log" in _tags(override)
    if isinstance(sweep, IntervalSweep):
        low, high = sweep.start, sweep.end
        if isinstance(low, int) and isinstance(high, int):  # int(interval(1, 64))
            return tuner.Int(low, high, log=log)
        assert low is not None
        assert high is not None  # Hydra's grammar has both
        return tuner.Float(low, high, log=log)
    if isinstance(sweep, RangeSweep | ChoiceSweep):
        values = [_value(each) for each in override.sweep_iterator()]
        if isinstance(sweep, RangeSweep) and len(values) > 1 and all(isinstance(each, int) for each in values):
            values = sorted(values)
            return tuner.Int(values[0], values[-1], step=abs(int(sweep.step)), log=log)
        return tuner.Choice(*values)
    raise tuner.ConfigurationError(
        f"hydra/sweeper=tuner: {override.input_line} cannot be searched",
        hint="use choice(...), range(...), interval(...)",
    )


def _tags(override: Override) -> set[str]:
    tags: set[str] = getattr(override.value(), "tags", set())
    return tags


def _value(element: Any) -> Any:
    """Return a number as it is, and anything else as the text of an override."""
    if isinstance(element, int | float) and not isinstance(element, bool):
        return element
    return Override._get_value_element_as_str(element)  # noqa: SLF001 - there is no public way
