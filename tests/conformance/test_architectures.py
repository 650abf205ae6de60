"""What every architecture promises."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch.nn import functional

from tuner.objectives._components import PARTS, declared
from tuner.objectives._tasks import Input
from tuner.objectives.architectures._architecture import Architecture
from tuner.objectives.architectures._graph import Graph
from tuner.objectives.architectures._layers import ACTIVATIONS
from tuner.objectives.architectures._options import OPTIONS

SHAPES = {
    Input.IMAGE: (2, 6, 8),
    Input.SEQUENCE: (5, 3),
    Input.TABLE: (7,),
    Input.TOKENS: (6,),
    Input.GRAPH: (7,),
}
ARCHITECTURES = PARTS["architecture"]


def features_of(kind: Input, count: int, outputs: int) -> Any:
    """Return so many examples; of a graph they are its nodes, joined in a ring."""
    shape = (count, *SHAPES[kind])
    if kind is Input.TOKENS:
        return torch.randint(outputs, shape)
    if kind is not Input.GRAPH:
        return torch.randn(shape)
    nodes = torch.arange(count)
    ring = torch.stack([nodes, nodes.roll(1)])
    return Graph(torch.randn(shape), torch.cat([ring, ring.flip(0)], dim=1), torch.ones(2 * count))


def _fitting() -> Iterator[tuple[str, Input]]:
    for name in ARCHITECTURES.names:
        for kind in Input:
            if kind in ARCHITECTURES[name].inputs:
                yield name, kind


def _variants() -> Iterator[tuple[str, Mapping[str, object]]]:
    for name in ARCHITECTURES.names:
        for field in ARCHITECTURES.fields(name):
            yield from ((name, {field: value}) for value in OPTIONS.get(field, ()))
        yield from ((name, {"depth": depth, "dropout": 0.3}) for depth in (1, 3))


@pytest.mark.parametrize(("name", "kind"), list(_fitting()), ids=str)
def test_an_architecture_answers_with_one_row_per_example_and_one_training_step_lowers_its_loss(
    name: str, kind: Input
) -> None:
    torch.manual_seed(0)
    model = ARCHITECTURES[name]().build(SHAPES[kind], 4)
    of_each = SHAPES[kind] if kind is Input.TOKENS else ()  # a model of tokens answers each of them
    features, targets = features_of(kind, 16, 4), torch.randint(4, (16, *of_each))

    def loss() -> torch.Tensor:
        return functional.cross_entropy(model(features).flatten(0, -2), targets.flatten())

    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    before = loss()
    before.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert model(features).shape == (16, *of_each, 4)
    assert loss() < before


@pytest.mark.parametrize(("name", "fields"), list(_variants()), ids=str)
def test_every_option_of_an_architecture_works_for_every_input(name: str, fields: Mapping[str, object]) -> None:
    for kind in ARCHITECTURES[name].inputs:
        model = ARCHITECTURES[name](**fields).build(SHAPES[kind], 3)
        assert model(features_of(kind, 4, 3)).isfinite().all()
        assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("name", ARCHITECTURES.names)
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    def weights() -> torch.Tensor:
        torch.manual_seed(3)
        kind = min(ARCHITECTURES[name].inputs, key=str)
        model = ARCHITECTURES[name]().build(SHAPES[kind], 3)
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    assert torch.equal(weights(), weights())


@pytest.mark.parametrize("name", ARCHITECTURES.names)
def test_dropout_acts_in_training_and_not_in_evaluation(name: str) -> None:
    kind = min(ARCHITECTURES[name].inputs, key=str)
    model = ARCHITECTURES[name](dropout=0.5).build(SHAPES[kind], 3)
    features = features_of(kind, 8, 3)
    assert not torch.equal(model(features), model(features))
    model.eval()
    assert torch.equal(model(features), model(features))


@pytest.mark.parametrize("name", ARCHITECTURES.names)
def test_an_architecture_is_a_final_member_whose_inputs_are_read_without_importing_it(name: str) -> None:
    member = ARCHITECTURES[name]
    assert issubclass(member, Architecture)
    assert member.__final__
    assert declared("architecture", name, "inputs") == {kind.name for kind in member.inputs}


def test_the_activations_are_the_ones_a_search_space_may_name() -> None:
    assert tuple(ACTIVATIONS) == OPTIONS["activation"]


def test_a_transformer_rounds_its_width_up_to_its_heads() -> None:
    model = ARCHITECTURES["transformer"](width=10, heads=4).build((5, 3), 2)
    assert model[-1].in_features == 12
