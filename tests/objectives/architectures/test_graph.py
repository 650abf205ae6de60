import pytest
import torch
from torch import nn

from tuner.objectives.architectures._graph import Graph
from tuner.objectives.architectures._sparse import SparseMatrix
from tuner.objectives.architectures.gat import GAT
from tuner.objectives.architectures.gcn import GCN
from tuner.objectives.architectures.graph_sage import GraphSAGE

EDGES = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, and 3 alone
WEIGHTS = torch.tensor([1.0, 1.0, 2.0, 2.0])
FEATURES = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def graph(features: torch.Tensor = FEATURES, weights: torch.Tensor = WEIGHTS) -> Graph:
    return Graph(features, EDGES, weights)


def dense(edges: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    adjacency = torch.zeros(4, 4)
    adjacency[edges[1], edges[0]] = weights
    return adjacency


def test_a_convolution_is_the_one_of_its_paper() -> None:
    model = GCN(depth=1).build((3,), 2)
    weight, bias = dict(model.named_parameters()).values()
    adjacency = dense(EDGES, WEIGHTS) + torch.eye(4)
    roots = adjacency.sum(dim=1).rsqrt()
    assert torch.allclose(model(graph()), roots[:, None] * adjacency * roots @ FEATURES @ weight + bias, atol=1e-6)


def test_graph_sage_adds_the_mean_of_the_neighbours_and_a_node_without_any_hears_itself() -> None:
    model = GraphSAGE(depth=1).build((3,), 2)
    own, neighbours, _ = dict(model.named_parameters()).values()
    adjacency = dense(EDGES, WEIGHTS)
    mean = adjacency / adjacency.sum(dim=1, keepdim=True).clamp(min=1e-9)
    assert torch.allclose(model(graph()), FEATURES @ own + mean @ FEATURES @ neighbours, atol=1e-6)
    assert torch.allclose(model(graph())[3], FEATURES[3] @ own, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_attention_is_a_softmax_over_the_neighbours_however_large_its_scores_are(scale: float) -> None:
    model = GAT(depth=1).build((3,), 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    of_source, of_destination, weight = (
        next(value for name, value in model.named_parameters() if name.endswith(end))
        for end in ("of_source", "of_destination", "weight")
    )
    hidden = FEATURES @ weight
    scores = nn.functional.leaky_relu(hidden @ of_destination[0][:, None] + (hidden @ of_source[0])[None], 0.2)
    shares = (scores + (dense(EDGES, WEIGHTS) + torch.eye(4)).log()).softmax(dim=1)
    assert torch.allclose(model(graph()) / scale, shares @ hidden / scale, atol=1e-5)


def test_a_gat_rounds_its_width_up_to_its_heads() -> None:
    model = GAT(width=10, heads=4).build((3,), 2)
    assert next(iter(model.parameters())).shape == (3, 12)


@pytest.mark.parametrize("architecture", [GCN(), GraphSAGE(), GAT()], ids=lambda each: type(each).__name__)
def test_features_with_few_numbers_are_multiplied_without_their_zeros_and_answer_the_same(architecture: GCN) -> None:
    features = torch.zeros(4, 40)
    features[[0, 1, 2], [3, 7, 20]] = 1.0
    model = architecture.build((40,), 2).eval()
    sparse, full = graph(features), graph(features)
    full.features = features
    assert isinstance(sparse.features, SparseMatrix)
    assert torch.allclose(model(sparse), model(full), atol=1e-6)


def test_a_graph_is_in_no_state_dict() -> None:
    assert all("graph" not in name for name in GCN().build((3,), 2).state_dict())
