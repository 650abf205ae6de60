import pytest
import torch
from torch.func import vmap

from tuner.objectives.architectures._compressed import Compressed
from tuner.objectives.architectures._sparse import SparseMatrix, largest_of_each


def matrix_with(dense: torch.Tensor) -> SparseMatrix:
    rows, columns = dense.nonzero(as_tuple=True)
    return SparseMatrix.of(rows, columns, dense[rows, columns], (dense.shape[0], dense.shape[1]))


def few_entries() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(7, 5, generator=generator) * (torch.rand(7, 5, generator=generator) < 0.3)


def test_the_product_and_its_gradient_are_those_of_the_dense_matrix() -> None:
    dense = few_entries()
    given = torch.randn(5, 3, requires_grad=True)
    (matrix_with(dense) @ given).square().sum().backward()  # type: ignore[no-untyped-call]
    same = given.detach().clone().requires_grad_()
    (dense @ same).square().sum().backward()  # type: ignore[no-untyped-call]
    assert torch.allclose(matrix_with(dense) @ given, dense @ given, atol=1e-6)
    assert given.grad is not None
    assert same.grad is not None
    assert torch.allclose(given.grad, same.grad, atol=1e-5)


def test_the_transpose_is_the_matrix_with_rows_for_columns() -> None:
    dense, given = few_entries(), torch.randn(7, 2)
    assert torch.allclose(matrix_with(dense).T @ given, dense.T @ given, atol=1e-6)


@pytest.mark.parametrize("width", [1, 3, 40, 100])
def test_many_models_at_once_have_the_products_and_gradients_that_each_has_alone(width: int) -> None:
    matrix = matrix_with(few_entries())
    given = torch.randn(6, 5, width, requires_grad=True)
    together = vmap(lambda each: (matrix @ each).tanh())(given)
    alone = torch.stack([(matrix @ each).tanh() for each in given])
    assert torch.allclose(together, alone, atol=1e-6)
    mine, others = (torch.autograd.grad(each.square().sum(), given)[0] for each in (together, alone))
    assert torch.allclose(mine, others, atol=1e-5)


def test_picked_rows_are_those_with_the_numbers_and_gradients_add_up_where_they_came_from() -> None:
    given = torch.randn(4, 2, requires_grad=True)
    picked = SparseMatrix.picking(torch.tensor([2, 0, 2]), 4) @ given
    assert torch.equal(picked, given[[2, 0, 2]])
    picked.sum().backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    assert given.grad[:, 0].tolist() == [1, 0, 2, 0]


def test_the_largest_of_each_segment_is_found_for_many_models_at_once() -> None:
    scores = torch.tensor([[1.0], [5.0], [2.0], [-3.0]])
    lengths = torch.tensor([1, 2, 1])
    assert largest_of_each(scores, lengths)[:, 0].tolist() == [1, 5, -3]
    both = vmap(lambda each: largest_of_each(each, lengths))(torch.stack([scores, -scores]))
    assert both[1, :, 0].tolist() == [-1, -2, 3]


def test_a_matrix_without_entries_multiplies_to_zeros() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    product = Compressed.of(none, none, torch.zeros(0), (3, 2)).times(torch.ones(1, 2, 4))
    assert torch.equal(product, torch.zeros(1, 3, 4))
