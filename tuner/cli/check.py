"""Try a study's default configuration for one epoch, before anything expensive starts."""

from rich.console import Group
from rich.text import Text

from tuner import bootstrap
from tuner.cli._options import Json, Settings, StudyArgument, collected
from tuner.cli._output import answers, duration, grid, number, print_json, safe

__all__ = ["command"]


def command(study: StudyArgument, assignments: Settings = None, as_json: Json = False) -> None:
    preview = bootstrap.check(study, collected(assignments))
    assembly = preview.assembly
    spec = assembly.spec
    if as_json:
        print_json(
            {
                "study": spec.name,
                "parameters": len(assembly.space),
                "fingerprint": assembly.space.fingerprint,
                "default": assembly.space.default,
                "metrics": dict(preview.metrics),
                "seconds_per_epoch": preview.seconds,
                "notes": list(assembly.notes),
            }
        )
        return
    metrics = grid("metric", "after one epoch", right=("after one epoch",))
    for name, value in preview.metrics.items():
        metrics.add_row(safe(name), number(value))
    most = preview.seconds * spec.budget.trials * spec.budget.epochs / assembly.parallel
    answers().print(
        Group(
            Text(f"search space: {len(assembly.space)} parameters", style="dim"),
            Text(str(assembly.space)),
            Text(""),
            metrics,
            Text(""),
            Text(
                f"the default configuration takes {duration(preview.seconds)} an epoch, the first one's start included"
            ),
            Text(f"{spec.budget.trials} trials without early stopping would take about {duration(most)}", style="dim"),
            *(Text(f"note: {safe(note)}", style="yellow") for note in assembly.notes),
            Text(f"all is well; next: tuner run {safe(study)}", style="green"),
        )
    )
