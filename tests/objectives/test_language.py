from pathlib import Path

import numpy as np
import pytest

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.objectives.language import Language

DOCS = Path(__file__).parents[2] / "docs"


def test_the_data_is_summarised_and_its_fingerprint_is_that_of_its_contents() -> None:
    settings = {"dataset": str(DOCS)}
    record = Language(settings, seed=0).data()
    assert "documents" in record.summary
    assert record.fingerprint == Language.fingerprint(settings)
    assert record.size > 100_000
    assert Language.fingerprint({"dataset": "missing"}) is None


def test_a_context_that_no_part_holds_is_an_error_before_anything_runs() -> None:
    with pytest.raises(ConfigurationError, match=r"settings\.context: 10000000"):
        Language({"dataset": str(DOCS), "context": 10_000_000}, seed=0).data()


def test_data_that_is_not_there_is_an_error() -> None:
    for missing in ("missing/*.txt", "missing.bin"):
        with pytest.raises(ConfigurationError, match=r"settings\.dataset"):
            Language({"dataset": missing}, seed=0)


def test_trials_of_one_depth_and_batch_size_train_together_whatever_else_they_have() -> None:
    objective = Language({"dataset": str(DOCS)}, seed=0)

    def key(**config: object) -> object:
        return objective.cohort_key(Config(config))

    alike = key(architecture={"name": "decoder", "out": 2.0}, optimizer={"name": "muon"}, duplicates="near")
    assert key() == alike
    assert key(batch_size=4) != alike
    assert key(architecture={"name": "decoder", "depth": 3}) != alike


def test_a_file_of_tokens_is_data_as_it_is(tmp_path: Path) -> None:
    np.arange(4000, dtype=np.uint16).tofile(tmp_path / "tokens.bin")
    (tmp_path / "tokens.json").write_text('{"dtype": "uint16", "vocabulary": 4000, "bytes_per_token": 4.0}')
    record = Language({"dataset": str(tmp_path / "tokens.bin"), "context": 32}, seed=0).data()
    assert record.summary == "4,000 tokens (4,000 different) of tokens.bin"
    assert record.size == 8000
