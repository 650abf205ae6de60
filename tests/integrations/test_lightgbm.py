"""LightGBM: the guide's program as it stands, stopped and killed."""

from typing import ClassVar, final

from integrations.callbacks import CallbackOfAGuide
from integrations.guides import Guide


@final
class TestLightGBM(CallbackOfAGuide):
    guide: ClassVar[Guide] = Guide("lightgbm", "tuner.integrations.lightgbm")
