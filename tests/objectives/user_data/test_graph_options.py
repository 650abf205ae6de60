from tuner.objectives.user_data.graph_options import GraphOptions


def test_what_reads_further_graphs_is_described_and_made_again_without_the_target() -> None:
    values = {"target": "y", "id": "node", "weight": "how", "directed": True, "missing": ["?"], "separator": ";"}
    described = GraphOptions.of(values).describe()
    assert [*GraphOptions.problems(described)] == []
    again = GraphOptions.of(described)
    assert (again.id, again.weight, again.directed) == ("node", "how", True)
    assert (again.table.missing, again.table.separator, again.table.target) == (("?",), ";", None)
