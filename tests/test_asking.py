"""What a study is asked for by."""

from pathlib import Path

import pytest

from tuner.asking import read_spec, shipped_studies
from tuner.domain.errors import UnknownNameError

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
