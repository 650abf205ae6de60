"""XGBoost: the guide's program as it stands, stopped and killed."""

from typing import ClassVar, final

from integrations.callbacks import CallbackOfAGuide
from integrations.guides import Guide


@final
class TestXGBoost(CallbackOfAGuide):
    guide: ClassVar[Guide] = Guide("xgboost", "tuner.integrations.xgboost")
