"""Parts that do not ship, from an installed package or a module of a person's own, in checks and runs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from plugins import ENTRY_POINTS, MODULE, install, on_path

Cli = Callable[..., tuple[int, str, str]]

STUDY = """
objective = "{objective}"
search_space = "{space}"
metric = "score"
executor = "{executor}"
[budget]
trials = 6
epochs = 3
[sampler]
name = "{sampler}"
shift = 3
[scheduler]
name = "{scheduler}"
[confirm]
run = false
"""
INSTALLED = {
    "objective": "parabola", "space": "line", "executor": "here", "sampler": "drawing", "scheduler": "halving",
}  # fmt: skip
OWN = {
    "objective": "added:Parabola", "space": "added:space", "executor": "added:Here", "sampler": "added:Drawing",
    "scheduler": "added:Halving",
}  # fmt: skip


@pytest.fixture(params=["installed", "own"])
def tracker(request: pytest.FixtureRequest, workplace: Path) -> Iterator[str]:
    """A study file that names parts of another's; what its tracker is called."""
    is_installed = request.param == "installed"
    site = workplace.with_name(f"{workplace.name}-site") if is_installed else workplace
    (workplace / "mine.toml").write_text(STUDY.format(**(INSTALLED if is_installed else OWN)))
    if is_installed:
        install(site, "more-parts", ENTRY_POINTS, added=MODULE)
    else:
        (workplace / "added.py").write_text(MODULE)
    with on_path(site):
        yield "lines" if is_installed else "added:Lines"


def test_parts_of_every_kind_run_a_study(tracker: str, cli: Cli, workplace: Path) -> None:
    code, _, err = cli("run", "mine.toml", "--log", f"{tracker}=lines.jsonl")
    assert code == 0, err
    code, out, _ = cli("trials", "mine", "--format", "json")
    states = [trial["state"] for trial in json.loads(out)]
    assert len(states) == 6
    assert {"COMPLETE", "PRUNED"} >= set(states)
    lines = [json.loads(line) for line in (workplace / "lines.jsonl").read_text().splitlines()]
    assert {line["trial"] for line in lines if line["ends"]} == set(range(6))


def test_a_study_of_such_parts_is_checked_and_resumed(tracker: str, cli: Cli) -> None:
    code, _, err = cli("check", "mine.toml")
    assert code == 0, err
    assert cli("run", "mine.toml")[0] == 0
    code, _, err = cli("resume", "mine", "--trials", "8", "--log", f"{tracker}=again.jsonl")
    assert code == 0, err


def test_options_of_such_parts_are_checked_with_everything_else(tracker: str, cli: Cli) -> None:
    code, _, err = cli("check", "mine.toml", "--set", "sampler.shift=much", "--set", "scheduler.shfit=2")
    assert code == 2
    assert "sampler.shift: 'much' is not a whole number" in err
    assert "scheduler: unknown option 'shfit'" in err
    assert cli("run", "mine.toml", "--log", f"{tracker}r")[0] == 2


@pytest.fixture
def own(workplace: Path) -> Callable[[str], None]:
    """Writes a study file of parts in the working directory, one line of which is another."""

    def write(old: str = "", new: str = "") -> None:
        assert old in MODULE
        (workplace / "added.py").write_text(MODULE.replace(old, new, 1))
        (workplace / "mine.toml").write_text(STUDY.format(**OWN))

    return write


@pytest.fixture(autouse=True)
def _forgotten(workplace: Path) -> Iterator[None]:
    with on_path(workplace):
        yield


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("self.space, self.seed = ", "raise KeyError('lost')\n        _ = ", "sampler added:Drawing: KeyError: 'lost'"),
        ("(tuner.Sampler)", "", "the sampler 'added:Drawing' is a class that does not inherit tuner.Sampler"),
        ("def decide", "def decides", "the scheduler 'added:Halving' does not define decide"),
        ("def run(self", "def runs(self", "the executor 'added:Here' does not define run"),
    ],
)
def test_a_part_that_is_incomplete_or_cannot_be_made_is_a_mistake_in_the_configuration(
    old: str, new: str, said: str, own: Callable[[str, str], None], cli: Cli
) -> None:
    own(old, new)
    code, _, err = cli("run", "mine.toml")
    assert code == 2
    assert said in " ".join(err.split())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("draw = random", "1 / (number % 3)\n        draw = random", "the sampler 'added:Drawing' raised ZeroDivision"),
        (
            "return self.space.at(",
            "return {'x': 0}\n        return self.space.at(",
            "not a configuration of the search space",
        ),
        (
            "known, value = ",
            "raise OSError('full')\n        known, value = ",
            "the scheduler 'added:Halving' raised OS",
        ),
        ("worker.begin(work)", "worker.began(work)", "the executor 'added:Here' raised AttributeError"),
    ],
)
def test_a_part_that_fails_while_the_study_runs_is_named_and_what_was_recorded_stays(
    old: str, new: str, said: str, own: Callable[[str, str], None], cli: Cli
) -> None:
    own(old, new)
    code, _, err = cli("run", "mine.toml")
    assert code == 2
    assert said in " ".join(err.split())
    assert cli("list")[1]


def test_a_clash_of_names_is_noted_where_the_name_is_used(cli: Cli, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "more-parts", {"tuner.samplers": {"random": "nowhere:Sampler"}})
    with on_path(site):
        code, out, _ = cli("check", "iris", "--set", "sampler.name=random")
    assert code == 0
    assert "the one that ships with tuner is used, not that of the package more-parts 1.5" in " ".join(out.split())


def test_a_stored_study_that_names_a_part_elsewhere_is_not_run_unless_it_is_trusted(
    own: Callable[[], None], cli: Cli, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "train.py").write_text("")
    own()
    assert cli("run", "mine.toml", "--set", "objective=supervised", "--set", "search_space=tabular_classifier",
               "--set", "metric=accuracy", "--set", "settings.dataset=iris", "--trials", "2")[0] == 0  # fmt: skip
    elsewhere = workplace / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    storage = str(workplace / ".tuner" / "studies.db")
    code, _, err = cli("resume", "mine", "--trials", "3", "--storage", storage)
    assert code == 2
    assert "would run added:Drawing and added:Halving and added:Here" in " ".join(err.split())
    code, _, err = cli("resume", "mine", "--trials", "3", "--storage", storage, "--trust")
    assert code == 0, err
