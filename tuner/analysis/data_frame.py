"""A study's trials as a data frame of pandas."""

import math
from collections.abc import Sequence

import pandas as pd

from tuner.analysis.queries import as_row
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord


def frame_of(study: StudyRecord, trials: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return a row per trial, with the columns of `as_row`."""
    rows = [as_row(study, trial) for trial in trials]
    frame = pd.DataFrame(rows)
    chosen = {name for row in rows for name, value in row.items() if value is None and name.startswith("params.")}
    for name in sorted(chosen):  # None is a value, and what a configuration does not have is missing
        frame[name] = pd.Series([row.get(name, math.nan) for row in rows], dtype=object)
    return frame
