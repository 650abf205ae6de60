"""The two forms of a sparse matrix that multiply (models, columns, width) from the left."""

import warnings
from dataclasses import dataclass
from typing import Protocol, final

import torch
from torch import Tensor

_WIDEST_ON_A_CPU = 64
"""How many columns a product has at most on a CPU: the rows that a wider one gathers leave the cache."""


class Form(Protocol):
    """One side of a sparse matrix."""

    def times(self, dense: Tensor) -> Tensor:
        """Return the product with each of (models, columns, width): (models, rows, width)."""


@final
@dataclass(frozen=True, slots=True)
class Compressed:
    """A matrix by compressed sparse rows."""

    matrix: Tensor

    @staticmethod
    def of(rows: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> "Compressed":
        """Return the matrix with these entries, each of them once; those of a row are in the order of their columns."""
        with warnings.catch_warnings():  # torch says once in a process that it may change
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
            order = torch.argsort(rows * shape[1] + columns)
            begins = torch.cat([rows.new_zeros(1), torch.bincount(rows, minlength=shape[0]).cumsum(0)])
            matrix = torch.sparse_csr_tensor(begins, columns[order], values[order], shape, check_invariants=True)
            return Compressed(matrix)

    def times(self, dense: Tensor) -> Tensor:
        models, columns, width = dense.shape
        most = max(1, _WIDEST_ON_A_CPU // max(1, width)) if dense.device.type == "cpu" else models
        parts = []
        for part in torch.split(dense.to(self.matrix.dtype), most):
            # Models lie side by side: one product for all of them.
            product = self.matrix @ part.transpose(0, 1).reshape(columns, -1)
            parts.append(product.view(-1, len(part), width).transpose(0, 1))
        return parts[0] if len(parts) == 1 else torch.cat(parts)


@final
@dataclass(frozen=True, slots=True)
class Picked:
    """A matrix that has a single 1 in each of its rows, in the column of this number."""

    columns: Tensor

    def times(self, dense: Tensor) -> Tensor:
        return dense.index_select(1, self.columns)
