"""Runs that follow each other in one process, as in a notebook: anywhere, in any thread, after any failure."""

import os
from pathlib import Path

from commands import PROGRAM, ROOT, TEMPLATE

RUNS = """
import os, threading
from functools import partial
import tuner

def scored(trial, by):
    return {"score": trial.config["x"] + by}

def spec(**more):
    space = tuner.SearchSpace(x=tuner.Float(0, 1))
    return tuner.StudySpec(
        objective=partial(scored, by=1), search_space=space, metric="score", budget=tuner.Budget(trials=3),
        resources=tuner.Resources(parallel=1), **more
    )

before, folder = dict(os.environ), os.getcwd()
study = tuner.run(spec())
assert study.resume(trials=4).stop_cause is None
assert {trial.state for trial in study.trials} == {tuner.TrialState.COMPLETE}
try:
    tuner.run(spec(name="refused", settings={"a": object()}))
except tuner.ConfigurationError as error:
    print(error)
found = []
thread = threading.Thread(target=lambda: found.append(tuner.run(spec(name="threaded"))))
thread.start()
thread.join()
assert len(found[0].trials) == 3
changed = {name for name in {*os.environ, *before} if os.environ.get(name) != before.get(name)}
assert changed <= {"RAY_CLIENT_MODE", "KMP_DUPLICATE_LIB_OK"}, changed  # set as soon as Ray, threadpoolctl is imported
assert os.getcwd() == folder
print(study.name)
"""


def test_runs_follow_each_other_in_one_process_wherever_temporary_files_are(workplace: Path) -> None:
    (workplace / "program.py").write_text(RUNS)
    scratch = workplace / ("scratch" * 12)
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    done = TEMPLATE.run("program.py", main=PROGRAM, cwd=workplace, env=environment)
    assert done.returncode == 0, done.stderr
    refused, name = done.stdout.splitlines()
    assert refused.startswith("the study's spec: settings.a: <object object at")
    assert name == "scored"
    assert "direction: maximize (assumed from the name `score`; set direction to overrule)" in done.stderr
