"""What goes with a study when it is deleted, and what must not."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import checkpoints_in, checkpoints_of, spill_of
from sqlalchemy import delete as delete_from

import tuner
from tuner.domain.errors import StorageError, StudyHeldError
from tuner.domain.goal import Goal
from tuner.domain.new_study import NewStudy
from tuner.storage import schema
from tuner.storage.backup import backups_of, make_backup
from tuner.storage.deletion import belongings, delete
from tuner.storage.engine import connect, writing
from tuner.storage.folder_ownership import claim
from tuner.storage.location import locate
from tuner.storage.store import Store, open_store

SPACE = tuner.SearchSpace(x=tuner.Float(0, 1))
GOAL = Goal.of("score", tuner.Direction.MAXIMIZE)


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    trial.save({"x": trial.config["x"]})
    yield {"score": trial.config["x"]}


def spec(name: str) -> tuner.StudySpec:
    budget = tuner.Budget(trials=3, epochs=1)
    return tuner.StudySpec(
        objective=train, search_space=SPACE, metric="score", name=name, budget=budget, executor="inline"
    )


def run(name: str, storage: str | None = None) -> tuner.Study:
    return tuner.run(spec(name), storage=storage)


@pytest.fixture
def store(workplace: Path) -> Iterator[Store]:
    run("kept")
    run("gone")
    opened = open_store(None)
    yield opened
    opened.close()


def files(store: Store) -> set[str]:
    folder = store.location.folder
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if ".db" not in path.name and path.is_file()}


def spill(store: Store, study: str) -> None:
    file = spill_of(store, study).file
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n[]\n")


def test_a_study_goes_with_all_its_files_and_others_stay(store: Store) -> None:
    spill(store, "gone")
    before = files(store)
    mine = {file for file in before if "/gone" in file}
    found = belongings(store, "gone")
    assert (found.trials, found.files) == (3, len(mine))
    assert found.size == sum((store.location.folder / file).stat().st_size for file in mine) > 0
    delete(store, found)
    assert store.names == ("kept",)
    assert files(store) == before - mine
    assert len(tuner.load_study("kept").trials) == 3


def test_the_repetitions_of_a_study_go_with_it(store: Store) -> None:
    store.create(NewStudy(name="gone:confirm", goal=GOAL, space=SPACE, spec={}, source={}))
    repeated = checkpoints_of(store, "gone:confirm") / "trial-00000"
    repeated.mkdir(parents=True)
    (repeated / "epoch-000001.safetensors").write_bytes(b"1234")
    delete(store, belongings(store, "gone"))
    assert not repeated.parent.exists()
    run("gone")  # its name is free again, and so is that of its repetitions
    store.create(NewStudy(name="gone:confirm", goal=GOAL, space=SPACE, spec={}, source={}))


def test_what_tensorboard_was_shown_goes_too(store: Store) -> None:
    tuner.load_study("gone").resume(trials=4, log="tensorboard")
    events = checkpoints_in(store.location.folder, "gone", "tensorboard")
    assert (events / "trial-00003").is_dir()
    delete(store, belongings(store, "gone"))
    assert not events.exists()


@pytest.mark.parametrize("name", ["gone", "gone:confirm"])
def test_what_somebody_runs_is_not_deleted(store: Store, name: str) -> None:
    if name not in store.names:
        store.create(NewStudy(name=name, goal=GOAL, space=SPACE, spec={}, source={}))
    before, found = files(store), belongings(store, "gone")
    with store.holding(name):
        for refused in (lambda: belongings(store, "gone"), lambda: delete(store, found)):
            with pytest.raises(StudyHeldError, match="study 'gone' runs already, in process"):
                refused()
    assert "gone" in store.names
    assert files(store) == before


@pytest.mark.parametrize("at", ["rename", "rmtree"])
def test_a_crash_leaves_files_without_a_study_which_deleting_once_more_deletes(
    store: Store, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path if at == "rename" else shutil, at, crash)
        with pytest.raises(KeyboardInterrupt):
            delete(store, belongings(store, "gone"))
    assert store.names == ("kept",)
    left = belongings(store, "gone")
    assert (left.trials, left.files) == (None, 4)
    delete(store, left)
    assert not any("gone" in file for file in files(store))
    with pytest.raises(tuner.StudyNotFoundError):
        belongings(store, "gone")


def test_a_folder_that_was_set_aside_is_its_own_studys_alone(store: Store) -> None:
    others = [f".deleted-gone-too-{'0' * 16}-0123abcd", f".deleted-gone-{store.study('kept').id}-0123abcd"]
    for name in others:
        (store.location.checkpoints / name).mkdir()
    delete(store, belongings(store, "gone"))
    assert all((store.location.checkpoints / name).is_dir() for name in others)


def test_links_are_deleted_and_what_they_lead_to_is_not(store: Store, workplace: Path) -> None:
    outside = workplace / "outside"
    outside.mkdir()
    (outside / "precious.safetensors").write_bytes(b"precious")
    root = checkpoints_of(store, "gone")
    (root / "trial-00009").symlink_to(outside)
    (root / "trial-00000" / "epoch-000009.safetensors").symlink_to(outside / "precious.safetensors")
    delete(store, belongings(store, "gone"))
    run("gone")
    root = checkpoints_of(store, "gone")
    shutil.rmtree(root)
    root.symlink_to(outside)
    left = belongings(store, "gone")
    assert left.size < len(str(outside)) + 1
    delete(store, left)
    assert not root.is_symlink()
    assert (outside / "precious.safetensors").read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["..", "../outside", "a/b", ""])
def test_a_name_that_leads_elsewhere_finds_no_files(store: Store, name: str) -> None:
    with pytest.raises(tuner.StudyNotFoundError):
        belongings(store, name)


def test_another_databases_study_of_the_same_name_keeps_its_files(store: Store, workplace: Path) -> None:
    storage = str(workplace / ".tuner" / "other.db")
    before, other = files(store), run("gone", storage)
    theirs = files(store) - before
    delete(store, belongings(store, "gone"))
    assert {file for file in files(store) if "gone" in file} == theirs
    with pytest.raises(tuner.StudyNotFoundError):
        belongings(store, "gone")
    assert other.resume(trials=4).best_trial.value is not None


def test_the_files_of_a_study_that_this_database_is_a_copy_of_stay(store: Store) -> None:
    assert store.location.file is not None
    copy = Store(locate(str(make_backup(store.location.file).file.rename(store.location.folder / "copy.db"))))
    before, found = files(store), belongings(copy, "gone")
    assert [path.name for path in found.sharers] == ["studies.db"]
    delete(copy, found)
    copy.close()
    assert files(store) == before


def test_files_without_an_id_that_may_be_another_databases_stay(store: Store, workplace: Path) -> None:
    run("gone", storage=str(workplace / ".tuner" / "other.db"))
    with writing(connect(store.location)) as connection:
        connection.execute(
            delete_from(schema.study_user_attributes).where(schema.study_user_attributes.c.key == "tuner:id")
        )
    (store.location.checkpoints / "gone").mkdir()
    before, found = files(store), belongings(store, "gone")
    assert [path.name for path in found.sharers] == ["other.db"]
    delete(store, found)
    assert store.names == ("kept",)
    assert files(store) == before
    assert belongings(store, "kept").sharers == ()


def test_what_cannot_be_deleted_is_told_with_what_to_do(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(StorageError, match=r"the study is deleted, .*gone.* is not: Permission denied") as raised:
        delete(store, belongings(store, "gone"))
    assert "tuner delete gone" in raised.value.hint


def test_backups_are_kept_with_the_study_in_them(store: Store) -> None:
    assert store.location.file is not None
    make_backup(store.location.file)
    tuner.load_study("gone").delete()
    (backup,) = backups_of(store.location.file)
    assert Store(store.location).names == ("kept",)
    assert "gone" in open_store(str(backup.file)).names


@pytest.mark.parametrize("kind", ["checkpoints", "logs", "trials", "tensorboard", "spilled"])
def test_nothing_is_deleted_in_a_folder_that_a_link_leads_to(store: Store, workplace: Path, kind: str) -> None:
    """A storage that somebody has handed over may have a link in the place of any of its folders."""
    name = store.study("gone").folder_name
    precious = workplace / "home" / (f"{name}.jsonl" if kind == "spilled" else name) / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    place = store.location.folder / kind
    if place.exists():
        shutil.rmtree(place)
    place.symlink_to(workplace / "home")
    found = belongings(store, "gone")
    assert found.links == (place,)
    delete(store, found)
    assert precious.exists()
    assert place.is_symlink()


def test_a_run_neither_writes_nor_deletes_where_a_link_leads_to(store: Store, workplace: Path) -> None:
    outside = workplace / "outside"
    (outside / "trial-00000").mkdir(parents=True)
    (outside / "trial-00000" / "precious").touch()
    root = checkpoints_of(store, "gone")
    for place in (root, root / "trial-00000", store.location.checkpoints):
        shutil.rmtree(place) if place.is_dir() else None
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(outside)
        with pytest.raises(StorageError, match=rf"{place} leads to {outside}"):
            tuner.load_study("gone", spec=spec("gone")).resume(trials=9)
        place.unlink()
    assert [*outside.rglob("*")] == [outside / "trial-00000", outside / "trial-00000" / "precious"]


@pytest.mark.parametrize("name", ["../../outside", "/outside", ".."])
def test_a_run_of_a_study_whose_name_leads_elsewhere_is_refused(store: Store, workplace: Path, name: str) -> None:
    location = store.location
    with pytest.raises(StorageError, match="a run writes and deletes nothing outside of"):
        claim(location, name.replace("/outside", str(workplace / "outside"), 1) if name[0] == "/" else name, "")
    assert not (workplace / "outside").exists()
