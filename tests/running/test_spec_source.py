"""What a study is asked for by."""

import sys
from pathlib import Path

import pytest

import tuner
from tuner.domain.errors import UnknownNameError
from tuner.running.dry_run import check
from tuner.running.spec_source import read_spec
from tuner.spec.shipped_studies import shipped_studies

pytestmark = pytest.mark.usefixtures("workplace")


def test_every_shipped_study_can_be_read() -> None:
    assert {"digits", "iris", "diabetes"} <= set(shipped_studies())
    for name in shipped_studies():
        found, source = read_spec(name, {})
        assert found.name == source.study == name


def test_a_study_file_is_remembered_by_its_whole_path(user_folder: Path) -> None:
    _, source = read_spec("mine.toml", {"budget.trials": 3})
    assert source.study == str(user_folder / "mine.toml")
    assert (source.folder, source.overrides) == (str(user_folder), {"budget.trials": 3})


@pytest.mark.parametrize(
    ("study", "words"),
    [
        ("digit", "did you mean 'digits'"),
        ("nowhere.toml", r"there is no study file nowhere\.toml"),
        ("folder/study", "there is no study file folder/study"),
    ],
)
def test_a_study_that_is_not_there_is_told_with_those_that_are(study: str, words: str) -> None:
    with pytest.raises(UnknownNameError, match=words) as raised:
        read_spec(study, {})
    assert "shipped studies: " in raised.value.hint


@pytest.mark.usefixtures("user_folder")
def test_a_name_beside_which_a_study_file_lies_is_told_the_file() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean mine\.toml\?"):
        read_spec("mine", {})


def test_modules_beside_the_study_file_are_found_from_any_folder(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    beside, elsewhere, later = (workplace / name for name in ("beside", "elsewhere", "later"))
    for folder in (beside, elsewhere, later):
        folder.mkdir()
    (beside / "beside_helper.py").write_text("FACTOR = 2\n")
    (beside / "beside_model.py").write_text(
        "from tuner import Float, SearchSpace\nimport beside_helper\nspace = SearchSpace(x=Float(0, 1))\n"
        "def train(trial):\n    yield {'score': beside_helper.FACTOR * trial.config['x']}\n"
    )
    (beside / "my.toml").write_text(
        'objective = "beside_model:train"\nsearch_space = "beside_model:space"\nmetric = "score"\n'
        'executor = "inline"\n[budget]\ntrials = 2\nepochs = 1\n'
    )
    storage = str(workplace / "studies.db")
    monkeypatch.chdir(elsewhere)
    assert check("../beside/my.toml").metrics["score"] == 1.0
    assert len(tuner.run("../beside/my.toml", storage=storage).trials) == 2
    monkeypatch.chdir(later)
    for name in ("beside_model", "beside_helper"):
        del sys.modules[name]
    sys.path[:] = [path for path in sys.path if Path(path).name != beside.name]
    with pytest.raises(tuner.UntrustedCodeError, match="would run beside_model:train and beside_model:space"):
        tuner.load_study("my", storage).resume(trials=3)
    assert len(tuner.load_study("my", storage).resume(trials=3, trust=True).trials) == 3
    for name in ("beside_model", "beside_helper"):
        del sys.modules[name]


def test_a_search_space_in_a_file_lies_beside_the_study_file_and_is_found_again_from_elsewhere(
    user_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user_folder / "inner").mkdir()
    (user_folder / "inner" / "space.toml").write_text("x = {float = [0.0, 1.0], default = 0.25}\n")
    (user_folder / "inner" / "guest.toml").write_text(
        'objective = "mytask:train"\nsearch_space = "space.toml"\nmetric = "score"\nexecutor = "inline"\n'
        "[budget]\ntrials = 1\nepochs = 1\n"
    )
    (user_folder / "mytask.py").write_text("def train(trial):\n    return {'score': trial.config['x']}\n")
    spec, _ = read_spec("inner/guest.toml", {})
    assert spec.search_space == str(user_folder / "inner" / "space.toml")
    study = tuner.run("inner/guest.toml", storage="s.db")
    assert study.best_trial.config == {"x": 0.25}
    monkeypatch.chdir(user_folder / "inner")
    assert len(tuner.load_study("guest", storage="../s.db").resume(trials=2, trust=True).trials) == 2
