import numpy as np
import pytest

from tuner.objectives.text.quality import Filters, Quality


def test_a_document_is_measured_by_its_length_symbols_and_repeated_lines() -> None:
    quality = Quality.of("same\nsame\n\n\n!!!!\n")
    assert quality.length == 17
    assert quality.symbols == pytest.approx(4 / 17)
    assert quality.repetition == pytest.approx(1 / 3)
    assert Quality.of("") == Quality(length=0, symbols=0.0, repetition=0.0)


def test_filters_keep_what_is_within_all_bounds() -> None:
    documents = {
        "length": np.array([10.0, 500, 500, 500]),
        "symbols": np.array([0.1, 0.9, 0.1, 0.1]),
        "repetition": np.array([0.0, 0.0, 0.0, 0.8]),
        "first": np.array([True, True, False, True]),
        "first_exact": np.array([True, True, True, True]),
    }
    assert Filters().kept(documents).all()
    strict = Filters.of({"min_length": 100, "max_symbols": 0.5, "max_repetition": 0.5, "lr": 3})
    assert strict.kept(documents).tolist() == [False, False, True, False]
    assert Filters(duplicates="near").kept(documents).tolist() == [True, True, False, True]
    assert Filters(duplicates="exact").kept(documents).all()
