"""The suite that judges tuner's own samplers judges this one too."""

from tuner_coin import Coin

from tuner.testing import SamplerConformance


class TestCoin(SamplerConformance):
    """What every sampler promises."""

    sampler = Coin
