"""What `tuner check` says of the sizes of a transfer."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from tuner.analysis.size_check import SizeCheck
from tuner.cli._rendering import duration, grid, number, safe
from tuner.formatting.values import size as bytes_said


def size_lines(check: SizeCheck | None) -> Iterator[RenderableType]:
    """Yield a table of the sizes, how activations grow with them, and what the target costs; nothing for None."""
    if check is None:
        return
    names = [each.activation for each in check.growth]
    table = grid(check.setting, "weights", *names, "a step", "memory", right=(check.setting, "weights", "a step"))
    for size, probe in check.probes.items():
        spreads = (" -> ".join(map(number, probe.activations[name])) for name in names)
        held = bytes_said(probe.state_bytes + probe.step_bytes)
        table.add_row(str(size), f"{probe.weights:,}", *spreads, f"{1000 * probe.seconds:.0f} ms", held)
    unknown = ["" for _ in names]
    table.add_row(
        str(check.target), f"{check.target_weights:,}", *unknown, "", f"about {bytes_said(check.target_bytes)}"
    )
    yield table
    yield Text(f"activations: root mean squares, initially -> after {check.steps} steps", style="dim")
    for each in check.growth:
        changed = f"{each.activation} change by {each.initially:+.2f} -> {each.trained:+.2f} powers of 2 per doubling"
        judged = (
            "steady" if each.is_steady else f"a rate that suits {min(check.probes)} is too large for {check.target}"
        )
        yield Text(safe(f"{changed}: {judged}"), style="dim" if each.is_steady else "yellow")
    yield Text(
        f"training {safe(check.setting)} {check.target} takes about {duration(check.target_seconds)} on this machine"
    )
    yield Text("")
