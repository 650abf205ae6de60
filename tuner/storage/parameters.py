"""Parameters in Optuna's form: what a value and its range look like in the database."""

import json
from typing import Any

from tuner.domain.choice import Choice
from tuner.domain.config import Scalar
from tuner.domain.number import Float, Int, stepped
from tuner.domain.parameter import Parameter
from tuner.system.untrusted_files import json_of


def distribution_json(parameter: Parameter) -> str:
    """Return Optuna's JSON for the parameter's range."""
    if isinstance(parameter, Choice):
        return _json("Categorical", choices=list(parameter.options))
    if isinstance(parameter, Int):
        step = int(parameter.step or 1)
        return _json("Int", log=parameter.log, step=step, low=int(parameter.low), high=int(parameter.last))
    if isinstance(parameter, Float):
        return _json(
            "Float", step=parameter.step, low=float(parameter.low), high=float(parameter.last), log=parameter.log
        )
    raise TypeError(f"{type(parameter).__name__} has no distribution")


def _json(kind: str, **attributes: Any) -> str:
    return json.dumps({"name": f"{kind}Distribution", "attributes": attributes})


def stored_value(parameter: Parameter, value: Scalar) -> float:
    """Return the number that Optuna stores for `value`: itself, or a choice's position."""
    if isinstance(parameter, Choice):
        return float(parameter.options.index(value))
    return float(value)  # type: ignore[arg-type]  # a range's values are numbers


def parsed_value(distribution: str, stored: float) -> Scalar:
    """Return the value that `stored` stands for: the inverse of `stored_value`."""
    description = json_of(distribution)
    if description["name"] == "CategoricalDistribution":
        choice = description["attributes"]["choices"][int(stored)]
        if not isinstance(choice, str | int | float | None):
            raise TypeError(f"a choice is {choice!r:.100}")
        return choice
    attributes = description["attributes"]
    if description["name"] == "IntDistribution":
        return int(stored)
    step = attributes["step"]
    return stored if step is None else stepped(attributes["low"], step, stored)
