import numpy as np

from tuner.objectives.user_data.graph_structure import joined_ends


def test_undirected_edges_lead_both_ways_once_with_their_largest_weight() -> None:
    ends = np.array([[0, 1, 2, 2], [1, 0, 2, 1]])
    joined = joined_ends(ends, np.array([1, 3, 9, 2], dtype=np.float32), 4, directed=False)
    found = dict(zip(zip(*joined.edges.tolist(), strict=True), joined.weights.tolist(), strict=True))
    assert found == {(0, 1): 3.0, (1, 0): 3.0, (1, 2): 2.0, (2, 1): 2.0}
    assert [note.split()[0] for note in joined.notes] == ["1", "1", "1"]


def test_directed_edges_that_answer_each_other_are_two() -> None:
    joined = joined_ends(np.array([[0, 1], [1, 0]]), None, 2, directed=True)
    assert joined.edges.shape == (2, 2)
    assert joined.notes == ()
