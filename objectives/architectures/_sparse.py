"""Sparse matrices that stay as they are, and their product with what one model or many models compute."""

from typing import Any, final

import torch
from torch import Tensor

from tuner.objectives.architectures._compressed import Compressed, Form, Picked


@final
class SparseMatrix:
    """A constant matrix (rows, columns) with few entries, and its transpose.

    It is no tensor of a module: in no state dict, never stacked, and held once by all models of a cohort.
    """

    def __init__(self, form: Form, transposed: Form) -> None:
        self.form = form
        self._transposed = transposed

    @staticmethod
    def of(rows: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> "SparseMatrix":
        """Return the matrix with these entries, each of them once."""
        return SparseMatrix(
            Compressed.of(rows, columns, values, shape), Compressed.of(columns, rows, values, (shape[1], shape[0]))
        )

    @staticmethod
    def picking(picked: Tensor, columns: int) -> "SparseMatrix":
        """Return the matrix whose product has the rows with these numbers, of so many."""
        rows, ones = torch.arange(len(picked), device=picked.device), torch.ones(len(picked), device=picked.device)
        return SparseMatrix(Picked(picked), Compressed.of(picked, rows, ones, (columns, len(picked))))

    @property
    def T(self) -> "SparseMatrix":  # noqa: N802 - as tensors call it
        """The transpose."""
        return SparseMatrix(self._transposed, self.form)

    def __matmul__(self, dense: Tensor) -> Tensor:
        """Return the product with (columns, width), which under `vmap` is one of all models: (rows, width)."""
        product: Tensor = _Product.apply(dense[None], self)  # type: ignore[no-untyped-call]
        return product[0]


def largest_of_each(scores: Tensor, lengths: Tensor) -> Tensor:
    """Return the largest of the first `lengths[0]` rows of (rows, width), of the next `lengths[1]`, and so on.

    No length is 0, and no gradients pass.
    """
    found: Tensor = _Largest.apply(scores.detach(), lengths)  # type: ignore[no-untyped-call]
    return found


class _Product(torch.autograd.Function):
    """The product of a constant matrix with (models, columns, width)."""

    @staticmethod
    def forward(dense: Tensor, matrix: SparseMatrix) -> Tensor:
        return matrix.form.times(dense)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        del output
        _, ctx.matrix = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Product.apply(gradient, ctx.matrix.T), None  # type: ignore[no-untyped-call]

    @staticmethod
    def vmap(info: Any, in_dims: Any, dense: Tensor, matrix: SparseMatrix) -> tuple[Tensor, int]:
        del info
        stacked = dense.movedim(in_dims[0], 0)
        product = _Product.apply(stacked.flatten(0, 1), matrix)  # type: ignore[no-untyped-call]
        return product.unflatten(0, stacked.shape[:2]), 0


class _Largest(torch.autograd.Function):
    """The largest of each segment of rows; a function of its own because torch's has no rule for `vmap`."""

    @staticmethod
    def forward(scores: Tensor, lengths: Tensor) -> Tensor:
        return torch.segment_reduce(scores.contiguous(), "max", lengths=lengths, axis=0)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        del inputs
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None]:
        del ctx, gradient
        return None, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, scores: Tensor, lengths: Tensor) -> tuple[Tensor, int]:
        del info
        stacked = scores.movedim(in_dims[0], 1)
        found = _Largest.apply(stacked.flatten(1), lengths)  # type: ignore[no-untyped-call]
        return found.unflatten(1, stacked.shape[1:]), 1
