"""What installed packages add: found by its name, only when it is asked for, and never from a study's folder."""

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from plugins import install, on_path

from tuner.domain.errors import ConfigurationError, UnknownNameError
from tuner.registry.catalogue import Catalogue
from tuner.registry.import_path import look_in

SAMPLERS = "tuner.samplers"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with on_path(tmp_path / "site") as folder:
        yield folder


@pytest.fixture
def samplers() -> Catalogue:
    return Catalogue("tuner.samplers", "sampler", group=SAMPLERS)


def test_a_name_that_does_not_ship_is_what_an_installed_package_offers(site: Path, samplers: Catalogue) -> None:
    install(site, "more-samplers", {SAMPLERS: {"coin": "coins:Coin"}}, coins="class Coin: pass\n")
    assert samplers["coin"].__name__ == "Coin"
    assert "coin" not in samplers  # what ships


def test_a_misspelt_name_gets_the_nearest_one_of_those_too(site: Path, samplers: Catalogue) -> None:
    install(site, "more-samplers", {SAMPLERS: {"coin": "coins:Coin"}})
    with pytest.raises(UnknownNameError, match="unknown sampler 'coinn'; did you mean 'coin'") as caught:
        samplers.check("coinn")
    assert caught.value.hint.endswith("random, tpe, coin")


def test_the_member_that_ships_wins_and_a_clash_is_reported(site: Path, samplers: Catalogue) -> None:
    install(site, "more-samplers", {SAMPLERS: {"tpe": "coins:Coin"}})
    assert samplers["tpe"].__module__ == "tuner.samplers.tpe"
    clash = "sampler tpe: the one that ships with tuner is used, not that of the package more-samplers 1.5"
    assert [*samplers.clashes("tpe")] == [clash]
    with pytest.raises(UnknownNameError) as caught:
        samplers.check("tpf")
    assert caught.value.hint.endswith(f"tpe; {clash}")


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ({"coins": "raise OSError('no coins')"}, "OSError: no coins"),
        ({"coins": "class Dice: pass"}, "AttributeError: module 'coins' has no attribute 'Coin'"),
        ({}, "ModuleNotFoundError: No module named 'coins'"),
    ],
)
def test_a_package_whose_import_fails_is_named(
    modules: dict[str, str], reason: str, site: Path, samplers: Catalogue
) -> None:
    install(site, "more-samplers", {SAMPLERS: {"coin": "coins:Coin"}}, **modules)
    with pytest.raises(ConfigurationError) as caught:
        _ = samplers["coin"]
    assert caught.value.message == (f"the sampler 'coin' of the package more-samplers 1.5 cannot be imported: {reason}")
    assert "python -c 'import coins'" in caught.value.hint


def test_a_name_that_two_packages_offer_is_refused_with_both(site: Path, samplers: Catalogue) -> None:
    install(site, "more-samplers", {SAMPLERS: {"coin": "coins:Coin"}}, coins="class Coin: pass\n")
    install(site, "others", {SAMPLERS: {"coin": "others:Coin"}})
    with pytest.raises(ConfigurationError, match=r"offered by more-samplers 1\.5 and others 1\.5"):
        _ = samplers["coin"]


@pytest.mark.parametrize("kind", ["the working directory", "a study's folder"])
def test_packages_in_a_folder_of_a_study_are_not_searched(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samplers: Catalogue
) -> None:
    folder = tmp_path / "downloaded"
    install(folder, "planted", {SAMPLERS: {"coin": "coins:Coin"}}, coins="raise SystemExit('planted code ran')\n")
    if kind == "the working directory":
        monkeypatch.chdir(folder)
        monkeypatch.syspath_prepend("")
        monkeypatch.syspath_prepend(folder)
    else:
        look_in(folder)
    with pytest.raises(UnknownNameError):
        samplers.check("coin")


def test_a_name_that_ships_is_found_without_reading_the_metadata_of_packages(
    samplers: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata.Distribution, "entry_points", property(lambda _: pytest.fail("metadata was read")))
    monkeypatch.setattr(metadata, "distributions", lambda **_: pytest.fail("packages were searched"))
    samplers.check("tpe")
    assert samplers["random"].__name__ == "Random"
