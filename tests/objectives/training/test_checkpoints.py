import math
import pickle
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from safetensors.torch import load_file
from torch import nn

from tuner.objectives.training.checkpoints import load, save

DTYPES = [
    torch.bool,
    torch.uint8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.complex64,
]
SHAPES = [(), (0,), (1,), (3,), (2, 0, 3), (2, 3)]


def _tensor(dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randint(0, 2, shape).to(dtype)


NUMBERS = st.integers() | st.floats() | st.booleans() | st.none()
ARRAYS = st_numpy.arrays(
    st_numpy.integer_dtypes()
    | st_numpy.unsigned_integer_dtypes()
    | st_numpy.floating_dtypes()
    | st.just(np.dtype(bool)),
    st_numpy.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
TENSORS = st.builds(_tensor, st.sampled_from(DTYPES), st.sampled_from(SHAPES))
KEYS = st.text() | st.integers()
VALUES = st.recursive(
    NUMBERS | st.text() | ARRAYS | ARRAYS.map(lambda array: array[()]) | TENSORS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


def _equal(loaded: Any, saved: Any) -> bool:
    if type(loaded) is not type(saved):
        return False
    if isinstance(saved, dict):
        return list(loaded) == list(saved) and all(_equal(loaded[key], saved[key]) for key in saved)
    if isinstance(saved, list | tuple):
        return len(loaded) == len(saved) and all(_equal(*pair) for pair in zip(loaded, saved, strict=True))
    return bool(_fingerprint(loaded) == _fingerprint(saved))


def _fingerprint(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape, _bytes(value)
    if isinstance(value, np.ndarray | np.generic):
        native = value.dtype.newbyteorder("=")
        return native, value.shape, value.astype(native).tobytes()
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


@settings(max_examples=120, deadline=None)
@given(state=st.dictionaries(KEYS, VALUES, max_size=5))
def test_a_state_comes_back_as_it_was(state: dict[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "state.safetensors"
    save(state, path)
    assert _equal(load(path), state)


def test_a_half_trained_model_and_its_optimizer_come_back(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    state = {"model": dict(model.state_dict()), "optimizer": optimizer.state_dict(), "epoch": 3}
    save(state, tmp_path / "state")
    loaded = load(tmp_path / "state")
    assert _equal(loaded, state)
    optimizer.load_state_dict(loaded["optimizer"])


def test_tensors_that_share_memory_or_lie_scattered_in_it_are_kept_by_value(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    save({"whole": whole, "again": whole, "part": whole[1:, ::2], "turned": whole.T}, tmp_path / "state")
    loaded = load(tmp_path / "state")
    assert torch.equal(loaded["part"], whole[1:, ::2])
    assert torch.equal(loaded["turned"], whole.T)
    loaded["whole"].zero_()
    assert torch.equal(loaded["again"], whole)


def test_parameters_come_back_as_plain_tensors(tmp_path: Path) -> None:
    save({"weight": nn.Parameter(torch.ones(2))}, tmp_path / "state")
    assert not load(tmp_path / "state")["weight"].requires_grad


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ({"a": [1, {2: object()}]}, r"state\['a'\]\[1\]\[2\] is a object"),
        ({"a": {1.5: 0}}, r"state\['a'\] has the key 1.5"),
        ({"a": b"x"}, r"state\['a'\] is a bytes"),
        ({"a": {1, 2}}, r"state\['a'\] is a set"),
        ({"a": np.array(["x"])}, r"state\['a'\] is an array of <U1"),
        ({"a": np.array([object()])}, r"state\['a'\] is an array of object"),
        ({"a": torch.eye(2).to_sparse()}, r"state\['a'\] is a torch.sparse_coo tensor"),
        ({"a": torch.empty(2, device="meta")}, r"state\['a'\] is a torch.strided tensor"),
        ({"a": torch.zeros(2, dtype=torch.complex128)}, r"state\['a'\] is a torch.strided tensor of torch.complex128"),
    ],
    ids=range(9),
)
def test_what_cannot_be_kept_is_refused_with_its_place(state: dict[str, Any], place: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=place):
        save(state, tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_the_owners_alone_and_replaces_the_one_before(tmp_path: Path) -> None:
    save({"epoch": 1}, tmp_path / "state")
    save({"epoch": 2}, tmp_path / "state")
    assert load(tmp_path / "state") == {"epoch": 2}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_state_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    save({"epoch": 1}, tmp_path / "state")
    with pytest.raises(TypeError):
        save({"epoch": object()}, tmp_path / "state")
    assert load(tmp_path / "state") == {"epoch": 1}


def test_a_write_that_fails_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with pytest.raises(OSError, match="state"):
        save({"epoch": 1}, tmp_path / "state")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_other_programs_can_read_the_tensors(tmp_path: Path) -> None:
    save({"small": torch.ones(3, dtype=torch.uint8), "large": torch.ones(2, dtype=torch.float64)}, tmp_path / "state")
    assert {str(tensor.dtype) for tensor in load_file(tmp_path / "state").values()} == {"torch.uint8", "torch.float64"}


def test_damage_anywhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save({"weights": torch.randn(20), "note": "hello"}, path)
    whole = path.read_bytes()
    for position in range(0, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x5A]) + whole[position + 1 :])
        with pytest.raises(ValueError, match="damaged"):
            load(path)
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged"):
            load(path)


def test_what_is_no_checkpoint_is_refused_and_none_of_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(pickle.dumps({"epoch": 1}))
    with pytest.raises(ValueError, match="no checkpoint"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")
