"""Members are found by the names of their files, described without being imported, and told apart from typos."""

import sys
from pathlib import Path

import pytest

from tuner.domain.errors import UnknownNameError
from tuner.registry.catalogue import Catalogue

MEMBER = '''"""Multiplies by a factor.

More that is nobody's business here."""

import sys
from dataclasses import dataclass
from typing import ClassVar

sys.imported_members.append("{name}")

__all__ = ["Member"]


@dataclass
class Other:
    wrong: int


@dataclass
class Member:
    factor: float
    names: tuple[str, ...] = ()
    KIND: ClassVar[str] = "member"
'''


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(sys, "imported_members", found, raising=False)
    return found


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imported: list[str]) -> Catalogue:
    package = f"members_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / package
    folder.mkdir()
    for name in ("__init__", "_shared"):
        (folder / f"{name}.py").touch()
    for name in ("times", "plus"):
        (folder / f"{name}.py").write_text(MEMBER.format(name=name))
    monkeypatch.syspath_prepend(tmp_path)
    return Catalogue(package, "operation")


def test_members_are_the_files_without_an_underscore(catalogue: Catalogue) -> None:
    assert catalogue.names == ("plus", "times")
    assert "plus" in catalogue
    assert "_shared" not in catalogue


def test_listing_and_describing_imports_no_member(catalogue: Catalogue, imported: list[str]) -> None:
    assert catalogue.summary("times") == "Multiplies by a factor."
    assert catalogue.fields("times") == {"factor": "float", "names": "tuple[str, ...]"}
    assert imported == []


def test_a_member_is_what_its_file_exports_and_is_imported_once(catalogue: Catalogue, imported: list[str]) -> None:
    member = catalogue["times"]
    assert member.__name__ == "Member"
    assert catalogue["times"] is member
    assert imported == ["times"]


@pytest.mark.parametrize("ask", [Catalogue.check, Catalogue.summary, Catalogue.fields, Catalogue.__getitem__])
def test_an_unknown_name_is_refused_with_the_nearest_one(catalogue: Catalogue, ask: object) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown operation 'time'; did you mean 'times'\?") as refused:
        ask(catalogue, "time")  # type: ignore[operator]
    assert refused.value.hint == "known: plus, times"


def test_a_package_that_is_not_there_is_told() -> None:
    with pytest.raises(UnknownNameError, match="no package 'nowhere_at_all' of operations"):
        Catalogue("nowhere_at_all", "operation").names  # noqa: B018
