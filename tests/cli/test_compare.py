"""`tuner compare`: studies side by side."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

import tuner
from tuner.domain.study import Confirm

pytestmark = pytest.mark.usefixtures("workplace")

Cli = Callable[..., tuple[int, str, str]]


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    noise = trial.seed % 997 / 997 * 0.02
    yield {"score": trial.config["x"] * trial.settings.get("factor", 1) + noise}


def run(name: str, high: float, **given: object) -> tuner.Study:
    spec = tuner.StudySpec(
        objective=train,
        search_space=tuner.SearchSpace(x=tuner.Float(0, high, default=0.01)),
        metric="score",
        name=name,
        budget=tuner.Budget(trials=4, epochs=1),
        executor="inline",
        **{"confirm": Confirm(run=True, seeds=3), **given},  # type: ignore[arg-type]
    )
    return tuner.run(spec)


def test_confirmed_studies_are_compared_with_an_interval(cli: Cli) -> None:
    run("narrow", 0.1)
    run("wide", 1.0)
    code, answer, _ = cli("compare", "narrow", "wide")
    assert code == 0
    assert answer.splitlines()[0].split() == ["narrow", "wide"]
    assert re.search(r"^trials +4 of 4 +4 of 4 *$", answer, re.MULTILINE)
    assert re.search(r"^best score +0\.\d+ ± 0\.\d+ +0\.\d+ ± 0\.\d+ *$", answer, re.MULTILINE)
    assert re.search(r"^x +float 0 \.\. 0\.1, default 0\.01 +float 0 \.\. 1, default 0\.01 *$", answer, re.MULTILINE)
    interval = r"0\.\d+ \(0\.\d+ to 0\.\d+ at 95 %, with another seed\)"
    assert re.search(rf"^wide is better than narrow by {interval}$", answer, re.MULTILINE)
    found = json.loads(cli("compare", "narrow", "wide", "--json")[1])
    assert [study["study"] for study in found["studies"]] == ["narrow", "wide"]
    (verdict,) = found["verdicts"]
    assert (verdict["study"], verdict["than"], verdict["is_confirmed"], verdict["is_sure"]) == (
        "wide",
        "narrow",
        True,
        True,
    )
    assert (verdict["is_paired"], verdict["detectable"] > 0) == (False, True)
    assert 0 < verdict["better_by"]["low"] < verdict["better_by"]["mean"] < verdict["better_by"]["high"]
    worse = cli("compare", "wide", "narrow")[1].splitlines()[-1]
    assert re.fullmatch(rf"narrow is worse than wide by {interval}", worse)


def test_without_confirmation_it_says_what_would_say_more(cli: Cli) -> None:
    run("one", 1.0, confirm=Confirm(run=False))
    run("other", 1.0, confirm=Confirm(run=False), seed=1)
    answer = cli("compare", "one", "other")[1]
    assert "note: the seeds differ" in answer
    assert "one lucky value each; tuner confirm other and tuner confirm one would say how sure that is" in answer
    run("same", 1.0, confirm=Confirm(run=False))
    assert "same is as good as one in what the searches had shown" in cli("compare", "one", "same")[1]


def test_what_cannot_be_compared_is_refused(cli: Cli) -> None:
    run("one", 1.0, confirm=Confirm(run=False))
    run("other", 1.0, confirm=Confirm(run=False), direction="minimize")
    for words, told in (
        (["one", "other"], "one is to maximize score, other is to minimize score"),
        (["one"], "a comparison takes at least two studies"),
        (["one", "one"], "a comparison takes at least two studies"),
        (["one", "nobody"], "no study 'nobody'"),
    ):
        code, answer, messages = cli("compare", *words)
        assert (code, answer) == (2, "")
        assert told in messages
