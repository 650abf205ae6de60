"""Checkpoints at a URL: whole or not there, checked, and the same in a folder, in memory and in a bucket."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from object_store import BUCKET, s3_server

from tuner.domain.checkpoint_store import DamagedCheckpointError
from tuner.domain.errors import ConfigurationError, StorageError
from tuner.storage.url_manifest import MANIFEST
from tuner.storage.url_store import UrlStore, is_of_one_process, url_problem

FILE, FOLDER = "trial-00003/epoch-000002.safetensors", "trial-00003/epoch-000002"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server():
        yield f"s3://{BUCKET}"


@pytest.fixture(params=["file", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name = f"study-{abs(hash(request.node.name)):x}"
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/{name}"
    return f"file://{tmp_path}/kept" if request.param == "file" else f"memory://{name}"


@pytest.fixture
def store(url: str) -> UrlStore:
    return UrlStore(url, pause=lambda _: None)


def file_with(text: str, folder: Path, name: str = "state") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def folder_with(folder: Path, **texts: str) -> Path:
    place = folder / "saved"
    for name, text in texts.items():
        (place / name).mkdir(parents=True)
        (place / name / "weights.bin").write_text(text)
    return place


def got(store: UrlStore, name: str, folder: Path) -> Path:
    target = folder / "got"
    store.get(name, target)
    return target


def test_a_file_is_read_as_it_was_written_and_in_place_of_the_one_before(store: UrlStore, tmp_path: Path) -> None:
    store.put(FILE, file_with("first", tmp_path))
    store.put(FILE, file_with("second", tmp_path))
    assert got(store, FILE, tmp_path).read_text() == "second"


def test_a_folder_is_read_as_it_was_written(store: UrlStore, tmp_path: Path) -> None:
    store.put(FOLDER, folder_with(tmp_path, model="weights", optimizer="moments"))
    found = got(store, FOLDER, tmp_path)
    assert {path.relative_to(found).as_posix(): path.read_text() for path in found.rglob("*.bin")} == {
        "model/weights.bin": "weights",
        "optimizer/weights.bin": "moments",
    }


def test_what_is_kept_is_listed_by_trial(store: UrlStore, tmp_path: Path) -> None:
    state = file_with("state", tmp_path)
    for name in ("trial-00001/epoch-000001", "trial-00001/epoch-000002.safetensors", "trial-00010/epoch-000001"):
        store.put(name, state)
    assert store.list("trial-00001") == ("trial-00001/epoch-000001", "trial-00001/epoch-000002.safetensors")
    assert len(store.list()) == 3
    assert store.list("trial-00002") == ()


def test_what_is_deleted_is_gone_with_all_of_its_files(store: UrlStore, url: str, tmp_path: Path) -> None:
    state = file_with("state", tmp_path)
    for name in (FILE, FOLDER, "trial-00004/epoch-000001"):
        store.put(name, state)
    store.delete(FILE)
    assert store.list() == (FOLDER, "trial-00004/epoch-000001")
    store.delete("trial-00003")
    store.delete("trial-00003")
    store.delete("trial-00004/epoch-000001")
    filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    filesystem.invalidate_cache()
    assert filesystem.find(root) == []


def test_what_was_never_put_there_is_not_found(store: UrlStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.get(FILE, tmp_path / "got")


def spoil(url: str, change: Callable[[bytes], bytes], ending: str) -> None:
    filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    filesystem.invalidate_cache()
    (path,) = (each for each in filesystem.find(root) if each.endswith(ending))
    filesystem.pipe_file(path, change(filesystem.cat_file(path)))


def test_content_that_has_changed_is_refused_and_leaves_nothing_behind(
    store: UrlStore, url: str, tmp_path: Path
) -> None:
    store.put(FILE, file_with("state", tmp_path))
    spoil(url, lambda content: content[::-1], "/state")
    with pytest.raises(DamagedCheckpointError, match="is not what was written there"):
        store.get(FILE, tmp_path / "got")
    assert not (tmp_path / "got").exists()


def test_a_checkpoint_whose_manifest_is_half_written_is_none(store: UrlStore, url: str, tmp_path: Path) -> None:
    store.put(FILE, file_with("state", tmp_path))
    spoil(url, lambda content: content[:10], MANIFEST)
    with pytest.raises(FileNotFoundError):
        store.get(FILE, tmp_path / "got")


def test_a_manifest_that_leads_out_of_its_folder_is_refused(store: UrlStore, url: str, tmp_path: Path) -> None:
    store.put(FOLDER, folder_with(tmp_path, model="weights"))
    spoil(url, lambda content: content.replace(b"model/weights.bin", b"../../weights.bin"), MANIFEST)
    with pytest.raises(DamagedCheckpointError, match="outside of its folder"):
        store.get(FOLDER, tmp_path / "inner" / "got")
    assert not (tmp_path / "weights.bin").exists()


def test_a_place_that_can_be_used_passes_its_check_and_keeps_nothing_of_it(store: UrlStore, url: str) -> None:
    store.check("probe")
    filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    assert not filesystem.exists(f"{root}/probe")


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises(StorageError, match="checkpoints cannot be kept at s3://nowhere/study"):
        UrlStore("s3://nowhere/study").check("probe")


def test_what_fails_because_of_a_connection_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    store = UrlStore(f"file://{tmp_path}/kept", pause=pauses.append)
    filesystem = fsspec.filesystem("file", use_listings_cache=False)
    pipe, failures = type(filesystem).pipe_file, [ConnectionResetError("gone"), TimeoutError("slow")]

    def failing(self: object, path: str, value: bytes, **options: object) -> None:
        if failures:
            raise failures.pop()
        pipe(self, path, value, **options)

    monkeypatch.setattr(type(filesystem), "pipe_file", failing)
    store.put(FILE, file_with("state", tmp_path))
    assert store.list() == (FILE,)
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("bucket/prefix", "is neither a URL"),
        ("nosuch://bucket", "no file system that fsspec knows"),
        ("s3://key:secret@bucket", "a password in the URL"),
        ("memory://here", None),
        ("file:///shared", None),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_before_anything_is_looked_for(url: str, problem: str | None) -> None:
    found = url_problem(url)
    assert found is None if problem is None else problem in str(found)


def test_only_memory_is_of_one_process() -> None:
    assert is_of_one_process("memory://here")
    assert not is_of_one_process("file:///shared")


def planted(folder: Path, said: str) -> UrlStore:
    """Return a store in a folder in which a stranger has written a manifest."""
    manifest = folder / "kept" / f"{FOLDER}{MANIFEST}"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(said)
    return UrlStore(f"file://{folder}/kept", pause=lambda _: None)


def test_a_manifest_that_names_a_file_elsewhere_is_none(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    facts = {"size": 5, "sha256": hashlib.sha256(b"theirs").hexdigest()}
    for name in (str(mine), "../mine", "a/../../mine"):
        parts = "epoch-000002.files-0123abcd"
        store = planted(tmp_path, json.dumps({"parts": parts, "is_file": False, "files": {name: facts}}))
        with pytest.raises(DamagedCheckpointError, match="outside of its folder"):
            got(store, FOLDER, tmp_path)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("parts", ["../../mine", "..", ".", "", "/tmp", "epoch-000002.files-0/../../../mine"])
def test_a_manifest_that_names_a_folder_elsewhere_deletes_nothing_there(parts: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    store = planted(tmp_path, json.dumps({"parts": parts, "is_file": False, "files": {}}))
    store.delete(FOLDER)
    store = planted(tmp_path, json.dumps({"parts": parts, "is_file": False, "files": {}}))
    store.put(FOLDER, file_with("new", tmp_path))
    assert (tmp_path / "mine").is_dir()
    assert got(store, FOLDER, tmp_path).read_text() == "new"


@pytest.mark.parametrize(
    "said",
    ["[" * 100_000, "7", '{"parts": 5, "is_file": 1, "files": 7}', '{"parts": "x", "is_file": false, "files": [1]}'],
)
def test_what_is_no_manifest_is_as_if_it_were_not_there(said: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        got(planted(tmp_path, said), FOLDER, tmp_path)


def test_what_is_no_file_is_never_waited_for_nor_copied_without_end(tmp_path: Path) -> None:
    facts = {"size": 5, "sha256": ""}
    store = planted(
        tmp_path, json.dumps({"parts": "epoch-000002.files-0123abcd", "is_file": False, "files": {"a": facts}})
    )
    part = tmp_path / "kept" / f"{FOLDER}.files-0123abcd" / "a"
    part.parent.mkdir()
    for make in (lambda path: path.symlink_to("/dev/zero"), os.mkfifo, Path.mkdir):
        make(part)
        with pytest.raises(DamagedCheckpointError):
            got(store, FOLDER, tmp_path)
        part.rmdir() if part.is_dir() else part.unlink()
    manifest = tmp_path / "kept" / f"{FOLDER}{MANIFEST}"
    for make in (lambda path: path.symlink_to("/dev/zero"), os.mkfifo, Path.mkdir):
        manifest.unlink()
        make(manifest)
        with pytest.raises(FileNotFoundError):
            got(store, FOLDER, tmp_path)
        if manifest.is_dir():
            manifest.rmdir()
            manifest.touch()


def test_a_chain_of_urls_is_refused(tmp_path: Path) -> None:
    """In one the place is the first, and what is added at its end, such as a study's folder, is another's."""
    (tmp_path / "mine").mkdir()
    url = f"file://{tmp_path}/mine::memory://x"
    assert "chain" in str(url_problem(url))
    with pytest.raises(ConfigurationError, match="chain"):
        UrlStore(f"{url}/study-0123456789abcdef").delete("")
    assert (tmp_path / "mine").is_dir()
