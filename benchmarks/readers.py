"""How fast a study of 25,000 trials is written while 50 people look at it: [TRIALS] [READERS].

Prints, in this order, what one look costs, trials a second written alone, and while all readers begin at once again and
again. A reader is a process of its own, as on the command line.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import insert

from tuner import Float, SearchSpace
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.new_study import NewStudy
from tuner.domain.study import Direction
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Report, TrialRecord, TrialState
from tuner.running.session import now
from tuner.storage import reader, schema
from tuner.storage.engine import connect, reading, writing
from tuner.storage.parameters import distribution_json
from tuner.storage.store import Store, open_store
from tuner.storage.writer import SqlStudyWriter

SPACE = SearchSpace(**{f"x{number}": Float(0, 1) for number in range(6)})
EPOCHS = 3
SECONDS = 30.0


def make(store: Store, trials: int) -> None:
    """Store a study of finished trials, without going through each of their lives."""
    goal = Goal.of("accuracy", Direction.MAXIMIZE)
    store.create(NewStudy(name="large", goal=goal, space=SPACE, spec={"budget": {"trials": 10**6}}, source={}))
    draw, began = Random(0), datetime(2026, 1, 1)  # noqa: DTZ001 - as Optuna stores it
    distributions = {path: distribution_json(each) for path, each in SPACE.parameters.items()}
    ids = range(1, trials + 1)
    times = {"datetime_start": began, "datetime_complete": began + timedelta(seconds=1)}
    with reading(connect(store.location)) as connection:
        study_id = reader.find_study(connection, "large")
    with writing(connect(store.location)) as connection:
        connection.execute(
            insert(schema.trials),
            [{"trial_id": i, "number": i - 1, "study_id": study_id, "state": "COMPLETE", **times} for i in ids],
        )
        connection.execute(
            insert(schema.trial_params),
            [
                {"trial_id": i, "param_name": path, "param_value": draw.random(), "distribution_json": text}
                for i in ids
                for path, text in distributions.items()
            ],
        )
        values = {i: draw.random() for i in ids}
        connection.execute(
            insert(schema.trial_values),
            [{"trial_id": i, "objective": 0, "value": values[i], "value_type": "FINITE"} for i in ids],
        )
        connection.execute(
            insert(schema.trial_intermediate_values),
            [
                {"trial_id": i, "step": epoch, "intermediate_value": values[i], "intermediate_value_type": "FINITE"}
                for i in ids
                for epoch in range(1, EPOCHS + 1)
            ],
        )
        connection.execute(
            insert(schema.trial_user_attributes),
            [
                {"trial_id": i, "key": f"tuner:{key}", "value_json": json.dumps(value)}
                for i in ids
                for key, value in (("epoch", EPOCHS), ("metrics", {"accuracy": values[i]}))
            ],
        )


def write(writer: SqlStudyWriter, number: int) -> None:
    config = Config(dict.fromkeys(SPACE.parameters, 0.5))
    trial = TrialRecord(number=number, state=TrialState.RUNNING, config=config, started=now())
    writer.begin([trial])
    metrics = {"accuracy": 0.5}
    for epoch in range(1, EPOCHS + 1):
        state = TrialState.COMPLETE if epoch == EPOCHS else TrialState.RUNNING
        ended = TrialRecord(
            number=number,
            state=state,
            config=config,
            value=0.5,
            epoch=1,
            metrics=metrics,
            started=now(),
            finished=now(),
        )
        writer.write([TrialUpdate(trial=ended, report=Report(number=number, epoch=epoch, metrics=metrics))])


def rate(writer: SqlStudyWriter, first: int, goes_on: Callable[[], bool]) -> tuple[float, int]:
    """Return the trials a second, and the number of the next trial."""
    began, number = time.perf_counter(), first
    while goes_on():
        write(writer, number)
        number += 1
    return (number - first) / (time.perf_counter() - began), number


def look(file: Path, what: str) -> None:
    subprocess.run([sys.executable, "-m", "tuner.cli", what, "large", "--storage", str(file)], check=True, stdout=-3)


def main(trials: int = 25_000, readers: int = 50) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "studies.db"
        store = open_store(str(file))
        make(store, trials)
        for what in ("status", "best"):
            began = time.perf_counter()
            look(file, what)
            sys.stdout.write(f"tuner {what}: {time.perf_counter() - began:.2f} s\n")
        began = time.perf_counter()
        store.read("large")
        sys.stdout.write(f"reading all trials: {time.perf_counter() - began:.2f} s\n")
        began = time.perf_counter()
        store.outline("large")
        sys.stdout.write(f"reading what a summary needs: {time.perf_counter() - began:.2f} s\n")
        with store.holding("large") as writer:
            end = time.perf_counter() + SECONDS
            alone, number = rate(writer, trials, lambda: time.perf_counter() < end)
            looking = [
                threading.Thread(target=look, args=[file, ("best", "status")[each % 2]]) for each in range(readers)
            ]
            for each in looking:
                each.start()
            began = time.perf_counter()
            beside, _ = rate(writer, number, lambda: any(each.is_alive() for each in looking))
            seconds = time.perf_counter() - began
        sys.stdout.write(
            f"written alone: {alone:.0f} trials/s; beside {readers} readers, who took {seconds:.0f} s: "
            f"{beside:.0f} trials/s, {beside / alone:.0%}\n"
        )
        store.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
