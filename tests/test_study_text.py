"""A stored study as the text of a study file."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tuner import Budget, Component, Limits, StudySpec
from tuner.bootstrap import read_spec, shipped_studies
from tuner.study_file import read_study_file
from tuner.study_text import study_text


def read_back(spec: StudySpec, folder: Path) -> StudySpec:
    file = folder / f"{spec.name}.toml"
    file.write_text(study_text(spec.describe()), encoding="utf-8")
    return read_study_file(file, {})


@pytest.mark.parametrize("name", shipped_studies())
def test_a_study_file_read_back_from_its_study_says_the_same(name: str, tmp_path: Path) -> None:
    spec, _ = read_spec(name, {})
    assert read_back(spec, tmp_path).describe() == spec.describe()


def test_everything_that_can_be_changed_is_kept(tmp_path: Path) -> None:
    spec = StudySpec(
        name="all",
        objective="mytask:train",
        search_space="mytask:space",
        metric='say "what" \\ you\nlike \x7f',
        seed=7,
        settings={"deep": {"er": [1, 2.5, "x"], "is": True}, "1e-9": 1e-9, "a key": "é"},
        budget=Budget(trials=3, epochs=2, seconds=90.5),
        sampler=Component(name="tpe", options={"startup": 3}),
        limits=Limits(progress=None, memory=2**33),
        executor="inline",
    )
    assert read_back(spec, tmp_path).describe() == spec.describe()


@pytest.mark.parametrize(
    ("settings", "hidden"),
    [
        ({"api_token": "s3cret"}, {"api_token": "***"}),
        ({"database": {"Password": "s3cret"}}, {"database": {"Password": "***"}}),
        ({"url": "postgresql://me:s3cret@host/data"}, {"url": "postgresql://me:***@host/data"}),
        ({"sources": ["ftp://me:s3cret@host"]}, {"sources": ["ftp://me:***@host"]}),
    ],
)
def test_secrets_are_not_written_down(settings: dict[str, Any], hidden: dict[str, Any]) -> None:
    spec = StudySpec(objective="a:b", search_space="a:c", metric="m", settings=settings)
    text = study_text(spec.describe())
    assert "s3cret" not in text
    assert tomllib.loads(text)["settings"] == hidden


def test_a_number_is_no_secret_whatever_it_is_called() -> None:
    spec = StudySpec(objective="a:b", search_space="a:c", metric="m", settings={"max_tokens": 128})
    assert tomllib.loads(study_text(spec.describe()))["settings"] == {"max_tokens": 128}
