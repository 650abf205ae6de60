"""Studies of one name, copies of a database, and restored backups: nobody's weights become another's."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import checkpoints_in
from sqlalchemy import delete

import tuner
from tuner.domain.errors import ConfigurationError, ResumeRefusedError
from tuner.storage import schema
from tuner.storage.backup import make_backup
from tuner.storage.engine import connect, writing
from tuner.storage.folder_owner import owner_of
from tuner.storage.folder_ownership import claim, original_of, release
from tuner.storage.location import locate
from tuner.storage.store import open_store

SPACE = tuner.SearchSpace(x=tuner.Float(0, 1))


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.epoch, trial.max_epochs):
        trial.save({"seed": trial.settings["mark"], "epoch": epoch})
        yield {"score": trial.config["x"]}


def run(storage: Path, mark: str, trials: int = 2) -> tuner.Study:
    return tuner.run(
        tuner.StudySpec(
            objective=train,
            search_space=SPACE,
            metric="score",
            name="one",
            settings={"mark": mark},
            budget=tuner.Budget(trials=trials, epochs=1),
            executor="inline",
        ),
        storage=str(storage),
    )


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_studies_of_one_name_in_two_databases_of_a_folder_have_files_of_their_own(workplace: Path) -> None:
    run(workplace / "first.db", "first")
    (first,) = (workplace / "checkpoints").iterdir()
    before = contents(first)
    run(workplace / "second.db", "second")
    assert len(list((workplace / "checkpoints").iterdir())) == 2
    assert contents(first) == before


def test_the_repetitions_of_a_study_have_an_id_of_their_own(workplace: Path) -> None:
    run(workplace / "a.db", "a").confirm(top=2, seeds=2)
    store = open_store("a.db")
    assert store.study("one").id != store.study("one:confirm").id
    assert checkpoints_in(workplace, "one") != checkpoints_in(workplace, "one:confirm")


def test_a_copied_database_in_the_same_folder_may_not_go_on_as_long_as_the_original_is_there(workplace: Path) -> None:
    run(workplace / "a.db", "a")
    shutil.copy(make_backup(workplace / "a.db").file, workplace / "copy.db")
    copy = tuner.load_study("one", storage="copy.db")
    with pytest.raises(
        ResumeRefusedError, match=r"belong to the same study in a.db, of which .*copy.db is a copy"
    ) as no:
        copy.resume(trials=3)
    assert "a folder of its own" in no.value.hint
    tuner.load_study("one", storage="a.db").resume(trials=3)
    (workplace / "a.db").unlink()
    assert len(copy.resume(trials=3).trials) == 3


def test_a_copied_database_in_another_folder_goes_on_and_leaves_the_original_alone(workplace: Path) -> None:
    run(workplace / "a" / "studies.db", "a")
    before = contents(workplace / "a" / "checkpoints")
    (workplace / "b").mkdir()
    shutil.copy(make_backup(workplace / "a" / "studies.db").file, workplace / "b" / "studies.db")
    tuner.load_study("one", storage="b/studies.db").resume(trials=4)
    assert contents(workplace / "a" / "checkpoints") == before


def test_a_database_that_is_moved_with_its_folder_keeps_its_weights(workplace: Path) -> None:
    run(workplace / "a" / "studies.db", "a")
    (workplace / "a").rename(workplace / "b")
    (workplace / "b" / "studies.db").rename(workplace / "b" / "renamed.db")
    store = open_store("b/renamed.db")
    study = store.study("one")
    assert original_of(store.location, study) is None
    tuner.load_study("one", storage="b/renamed.db").resume(trials=3)
    owner = owner_of(store.location.checkpoints_of(study.folder_name))
    assert owner is not None
    assert owner.storage == "renamed.db"


def test_after_a_restored_backup_new_trials_find_nothing_of_those_that_had_their_numbers(workplace: Path) -> None:
    run(workplace / "a.db", "a")
    backup = make_backup(workplace / "a.db").file
    tuner.load_study("one", storage="a.db").resume(trials=4)
    folder = checkpoints_in(workplace, "one")
    (folder / "trial-00003" / "epoch-000009.safetensors").write_bytes(b"of the future")
    for path in workplace.glob("a.db*"):
        path.unlink()
    shutil.copy(backup, workplace / "a.db")
    tuner.load_study("one", storage="a.db").resume(trials=4)
    assert [path.name for path in (folder / "trial-00003").iterdir()] == ["epoch-000001.safetensors"]


def test_a_study_from_before_there_were_ids_goes_on_in_the_folder_of_its_name(workplace: Path) -> None:
    run(workplace / "a.db", "a")
    checkpoints_in(workplace, "one").rename(workplace / "checkpoints" / "one")
    attributes = schema.study_user_attributes
    with writing(connect(locate("a.db"))) as connection:
        connection.execute(delete(attributes).where(attributes.c.key == "tuner:id"))
    tuner.load_study("one", storage="a.db").resume(trials=3)
    assert [path.name for path in (workplace / "checkpoints").iterdir()] == ["one"]
    assert (workplace / "checkpoints" / "one" / "trial-00002").is_dir()


def test_what_is_no_id_leads_nowhere(workplace: Path) -> None:
    run(workplace / "a.db", "a")
    attributes = schema.study_user_attributes
    with writing(connect(locate("a.db"))) as connection:
        connection.execute(
            attributes.update().where(attributes.c.key == "tuner:id").values(value_json='"../../../outside"')
        )
    assert open_store("a.db").study("one").id == ""


def test_a_study_that_never_began_leaves_no_folder(workplace: Path) -> None:
    def wrong(_: tuner.Trial) -> Iterator[dict[str, float]]:
        yield {"other": 1.0}

    spec = tuner.StudySpec(
        objective=wrong, search_space=SPACE, metric="score", budget=tuner.Budget(trials=1, epochs=1), executor="inline"
    )
    with pytest.raises(ConfigurationError):
        tuner.run(spec, storage="a.db")
    assert list((workplace / "checkpoints").glob("*")) == []


def test_a_folder_with_weights_is_not_released(workplace: Path) -> None:
    run(workplace / "a.db", "a")
    store = open_store("a.db")
    release(store.location, "one", store.study("one").id)
    assert (checkpoints_in(workplace, "one") / "trial-00000").is_dir()
    claim(store.location, "one", store.study("one").id)
    assert owner_of(checkpoints_in(workplace, "one")) is not None
