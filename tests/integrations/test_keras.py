"""Keras: the guide's program as it stands, stopped and killed."""

import os
from typing import ClassVar, final

from integrations.callbacks import CallbackOfAGuide
from integrations.guides import Guide

os.environ["KERAS_BACKEND"] = "torch"


@final
class TestKeras(CallbackOfAGuide):
    guide: ClassVar[Guide] = Guide("keras", "tuner.integrations.keras")
