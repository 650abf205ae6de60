"""What every store of checkpoints can do by what it has to."""

from pathlib import Path

from tuner.storage.url_store import UrlStore


def test_a_copy_is_kept_under_its_own_name_beside_the_original(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("state")
    store = UrlStore(f"file://{tmp_path}/kept")
    store.put("trial-00000/epoch-000001", tmp_path / "state")
    store.copy("trial-00000/epoch-000001", "trial-00001/taken-over-000001")
    store.delete("trial-00000")
    store.get("trial-00001/taken-over-000001", tmp_path / "got")
    assert (tmp_path / "got").read_text() == "state"
