"""Show which parameters of a study matter, and which values of them are good."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from tuner.analysis.importance import Band, Importance, ParameterImportance, importance_of
from tuner.cli._options import Json, Name, Storage
from tuner.cli._rendering import print_json
from tuner.formatting.terminal import answers, grid
from tuner.formatting.values import amount, number, safe
from tuner.storage.store import open_store

__all__ = ["command"]

_BAR = 12


def command(name: Name, storage: Storage = None, as_json: Json = False) -> None:
    study, trials = open_store(storage).read(name)
    importance = importance_of(study, trials)
    if as_json:
        print_json({"study": study.name, "metric": study.metric, **importance.describe()})
    else:
        answers().print(Group(*_shown(importance, study.metric)))


def _shown(importance: Importance, metric: str) -> Iterator[RenderableType]:
    if importance.why_not:
        yield Text(importance.why_not, style="dim")
        return
    mean = f"mean {metric}"
    table = grid(
        "parameter", "importance", "", "how", "best", "beats", mean, "worst", "beats", right=("", "beats", mean)
    )
    for parameter in importance.clear:
        best, worst = parameter.best, parameter.worst
        table.add_row(
            parameter.path,
            Text("█" * max(1, round(parameter.share * _BAR)), style="green"),
            f"{parameter.share:.0%}",
            parameter.shape.value,
            *_band(best),
            number(best.mean if best else None),
            *_band(worst),
        )
    if importance.clear:
        yield table
    unclear = [parameter for parameter in importance.parameters if not parameter.is_clear]
    if unclear:
        yield Text(f"no more than chance: {_paths(unclear)}", style="dim")
    yield Text("")
    learned = f"learned from {amount(importance.trials, 'trial')}, stopped ones included"
    yield Text(
        f"{learned}; explains {importance.explained:.0%} of how they differ\n"
        "beats: the share of the other trials that one with such a value is expected to be better than",
        style="dim",
    )


def _band(band: Band | None) -> tuple[str, str]:
    return (str(band), f"{band.standing:.0%}") if band else ("-", "-")


def _paths(parameters: list[ParameterImportance]) -> str:
    return safe(", ".join(parameter.path for parameter in parameters))
