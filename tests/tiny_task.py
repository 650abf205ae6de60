"""A task of the search benchmark whose surrogate answers at once: x times the share of the epochs that have ended."""

import onnx
import onnxruntime
from onnx import TensorProto, helper
from search_quality.tasks import Task

from tuner import Choice, Float, Int, SearchSpace

EPOCHS = 9


def tiny_task(name: str = "lcbench tiny") -> Task:
    return Task(
        name=name,
        space=SearchSpace(
            x=Float(0.0, 1.0),
            kind=Choice("plain", deep={"layers": Int(1, 100, log=True)}),
        ),
        epochs=EPOCHS,
        session=_identity(),
        codes=lambda _: [0],
        numbers=lambda config, epoch: [config["x"] * epoch / EPOCHS],
        output=0,
    )


def _identity() -> onnxruntime.InferenceSession:
    codes = helper.make_tensor_value_info("x_cat", TensorProto.INT32, ["n", 1])
    numbers = helper.make_tensor_value_info("x_cont", TensorProto.FLOAT, ["n", 1])
    values = helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", 1])
    nodes = [helper.make_node("Identity", ["x_cont"], ["values"])]
    graph = helper.make_graph(nodes, "identity", [codes, numbers], [values])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
