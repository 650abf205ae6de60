"""Checkpoints as safetensors files: tensors as they are, everything else as JSON in the metadata.

Nothing is pickled: loading a file runs no code.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tuner.system.files import whole_file
from tuner.system.untrusted_files import check, json_of

_KEPT_AS_THEY_ARE = (str, int, float, bool, type(None))
_DTYPES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.uint16: "U16",
    torch.uint32: "U32",
    torch.uint64: "U64",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.complex64: "C64",
}
"""What the format calls torch's dtypes."""


def save(state: Mapping[str, Any], path: Path) -> None:
    """Keep `state` under `path`, in place of what was there, all of it or nothing.

    Raises `TypeError` with the place in `state` of a value that cannot be kept. A process killed while
    saving leaves the state before, and a `.partial` file beside it; what a power cut damages, `load` notices.
    """
    tensors: list[Tensor] = []
    structure = json.dumps(_pack(state, "state", tensors))
    with whole_file(path) as partial:
        partial.write_bytes(_encode(structure, tensors))


def load(path: Path) -> dict[str, Any]:
    """Return what was saved under `path`, its tensors on the CPU and none of them sharing memory.

    Mappings come back as dicts. Raises `ValueError` where the file is damaged or no checkpoint, `FileNotFoundError`
    where there is none.
    """
    try:
        structure, tensors = _decode(path)
        state: dict[str, Any] = _unpack(json_of(structure), tensors)
    except (SafetensorError, ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged or no checkpoint: {error}") from error
    return state


def _pack(value: Any, place: str, tensors: list[Tensor]) -> Any:
    """Return `value` as JSON, with a number in place of each tensor, which is appended to `tensors`."""
    if type(value) in _KEPT_AS_THEY_ARE:
        return value
    if isinstance(value, Tensor):
        return {"tensor": _put(value, place, tensors)}
    if isinstance(value, np.ndarray | np.generic):
        kind = "array" if isinstance(value, np.ndarray) else "number"
        return {kind: _put(_from_array(np.asarray(value), place), place, tensors)}
    if isinstance(value, Mapping):
        items = [[_key(key, place), _pack(item, f"{place}[{key!r}]", tensors)] for key, item in value.items()]
        return {"dict": items}
    if isinstance(value, list | tuple):
        items = [_pack(item, f"{place}[{index}]", tensors) for index, item in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    raise TypeError(f"{place} is a {type(value).__name__}, which a checkpoint cannot keep")


def _unpack(packed: Any, tensors: list[Tensor]) -> Any:
    if isinstance(packed, list):
        return [_unpack(item, tensors) for item in packed]
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "dict":
        return {key: _unpack(item, tensors) for key, item in content}
    if kind == "tuple":
        return tuple(_unpack(item, tensors) for item in content)
    tensor = tensors[content]
    if kind == "tensor":
        return tensor
    return tensor.numpy() if kind == "array" else tensor.numpy()[()]


def _key(key: Any, place: str) -> str | int:
    if type(key) not in (str, int):
        raise TypeError(
            f"{place} has the key {key!r}, a {type(key).__name__}; a checkpoint keeps text and whole numbers"
        )
    kept: str | int = key
    return kept


def _put(tensor: Tensor, place: str, tensors: list[Tensor]) -> int:
    if tensor.dtype not in _DTYPES or tensor.layout is not torch.strided or tensor.is_meta:
        raise TypeError(f"{place} is a {tensor.layout} tensor of {tensor.dtype}, which a checkpoint cannot keep")
    tensors.append(tensor.detach().cpu().contiguous())
    return len(tensors) - 1


def _from_array(array: np.ndarray[Any, Any], place: str) -> Tensor:
    # A copy: torch warns of arrays that cannot be written to.
    native = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    try:
        return torch.from_numpy(native)
    except TypeError as error:
        raise TypeError(f"{place} is an array of {array.dtype}, which a checkpoint cannot keep") from error


def _encode(structure: str, tensors: Sequence[Tensor]) -> bytes:
    """Return the bytes of the file; written out here, since the library takes four times as long."""
    views = [_bytes_of(tensor) for tensor in tensors]
    header: dict[str, Any] = {"__metadata__": {"structure": structure, "checksum": _checksum(structure, views)}}
    # The largest items first, so that each tensor starts at a multiple of its item's size.
    order = sorted(range(len(tensors)), key=lambda index: -tensors[index].itemsize)
    end = 0
    for index in order:
        start, end = end, end + views[index].nbytes
        dtype, shape = _DTYPES[tensors[index].dtype], tuple(tensors[index].shape)
        header[str(index)] = {"dtype": dtype, "shape": shape, "data_offsets": (start, end)}
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return b"".join([len(encoded).to_bytes(8, "little"), encoded, *(views[index] for index in order)])


def _decode(path: Path) -> tuple[str, list[Tensor]]:
    check(path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = [file.get_tensor(str(index)) for index in range(len(file.keys()))]
    structure = metadata["structure"]
    if metadata["checksum"] != _checksum(structure, [_bytes_of(tensor) for tensor in tensors]):
        raise ValueError("its content is not what was written")
    return structure, tensors


def _bytes_of(tensor: Tensor) -> memoryview:
    if tensor.numel() == 0:
        return memoryview(b"")
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def _checksum(structure: str, views: Sequence[memoryview]) -> str:
    checksum = zlib.crc32(structure.encode())
    for view in views:
        checksum = zlib.crc32(view, checksum)
    return f"{checksum:08x}"
