"""How many trials a second a program can ask for and tell, with SQLite: [TRIALS] [SAMPLER].

Every trial is one `ask` and one `tell` of a value that is computed from its configuration, so all of the time is the
tuner's. Prints trials a second, and the processor time of a trial over all and over the last tenth, which a cost that
grows with the study would raise: wall time is that of the other programs of the machine, too.
"""

import sys
import tempfile
import time
from pathlib import Path

import tuner

SPACE = tuner.SearchSpace(
    width=tuner.Int(16, 256, log=True),
    optimizer=tuner.Choice(
        adamw={"lr": tuner.Float(1e-4, 1e-1, log=True)},
        sgd={"lr": tuner.Float(1e-3, 1.0, log=True)},
    ),
)


def main(trials: int = 2_000, sampler: str = "random") -> None:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        cpu = tell_all(trials, sampler, str(Path(folder) / "studies.db"))
    seconds, tenth = time.perf_counter() - began, max(1, trials // 10)
    overall, last = (1000 * (cpu[-1] - cpu[-1 - count]) / count for count in (trials, tenth))
    print(
        f"{trials} trials asked and told, {sampler}: {trials / seconds:.0f} a second; "
        f"{overall:.1f} ms of processor time each, {last:.1f} ms in the last tenth"
    )


def tell_all(trials: int, sampler: str, storage: str) -> list[float]:
    """Return the processor time when the study was there, and when each of its trials was told."""
    with tuner.create_study(
        SPACE, metric="loss", direction="minimize", name="told", trials=trials, sampler=sampler, storage=storage
    ) as study:
        times = [time.process_time()]
        while (trial := study.ask()) is not None:
            study.tell(trial, abs(trial.config["optimizer"]["lr"] - 0.01))
            times.append(time.process_time())
    return times


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, str), sys.argv[1:], strict=False)))
