import pytest

from tuner.domain.errors import ConfigurationError
from tuner.objectives.adapters.lora import Lora

LLAMA = [
    f"model.layers.{block}.{name}"
    for block in range(3)
    for name in ("self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj")
]


def test_modules_are_those_of_attention_those_behind_it_or_all_and_never_a_head() -> None:
    names = [*LLAMA, "lm_head"]
    assert Lora().chosen(names) == LLAMA
    assert Lora(modules="attention").chosen(names) == [name for name in LLAMA if "self_attn" in name]
    assert Lora(modules="mlp").chosen(names) == [name for name in LLAMA if "mlp" in name]
    bert = ["bert.encoder.layer.0.attention.output.dense", "bert.encoder.layer.0.output.dense"]
    assert Lora(modules="attention").chosen(bert) == bert[:1]


def test_a_share_of_the_layers_is_counted_from_the_outputs() -> None:
    assert Lora(layers=0.3).chosen(LLAMA) == LLAMA[6:]
    assert Lora(layers=0.5).chosen(LLAMA) == LLAMA[3:]


def test_a_base_without_blocks_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no layers of 'all'"):
        Lora().chosen(["encoder", "head"])
