"""What a study hands out as its model: one training or an ensemble, as it was stored at the end of a run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, final

from tuner.analysis.confirmation import Confirmation
from tuner.analysis.estimate import Estimate, RowError, estimate
from tuner.domain import ranking
from tuner.domain.final_model import FinalModel, ReliabilityBin, SplitScores
from tuner.domain.metric_bounds import usual_bounds
from tuner.domain.study_record import StudyRecord, companion
from tuner.domain.trial import TrialRecord

NOTE = "answer"
"""The note of a study that has it."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training: the `study` that it is a trial of, its number and best epoch, and how often an average counts it."""

    study: str
    number: int
    epoch: int
    count: int = 1


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAnswer:
    """What a model measures on one split, and its value with the interval for new rows."""

    value: float
    low: float | None
    high: float | None
    rows: int
    metrics: Mapping[str, float]
    raw_log_loss: float | None = None
    reliability: tuple[ReliabilityBin, ...] = ()

    @property
    def estimate(self) -> Estimate:
        """The value as an estimate: the model is there, so it allows for other rows alone."""
        known = self.low is not None and self.high is not None
        low, high = (self.low, self.high) if known else (float("-inf"), float("inf"))
        assert low is not None and high is not None  # noqa: PT018 - as said
        return Estimate(mean=self.value, low=low, high=high, values=(self.value,), seed_margin=0.0, rows=self.rows)

    @staticmethod
    def of(scores: SplitScores, metric: str) -> "SplitAnswer":
        """Return what is kept of a model's scores, of which `metric` has the interval."""
        from tuner.analysis.row_noise import row_means  # noqa: PLC0415 - NumPy, which queries do not pay for

        value = scores.metrics[metric]
        means = row_means([scores.rows], metric)
        error = RowError() if means is None else means.error
        found = estimate(
            (value,), mean=value, seed_margin=0.0, rows=error, bounds=usual_bounds(metric, [value])
        ).describe()
        known = error.rows > 0
        return SplitAnswer(
            value=value,
            low=float(str(found["low"])) if known else None,
            high=float(str(found["high"])) if known else None,
            rows=error.rows,
            metrics=dict(scores.metrics),
            raw_log_loss=scores.raw_log_loss,
            reliability=scores.reliability,
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """A model that a study may hand out: the trainings it is made of, what it measures, its size and latency.

    With `all_rows` they were trained once more on the validation rows too: then it is what was measured on the test
    split, and what it was made from on the validation split.
    """

    members: tuple[Training, ...]
    validation: SplitAnswer
    test: SplitAnswer | None
    weights: int
    latency_ms: float
    calibration: Mapping[str, Any]
    all_rows: bool = False

    @property
    def fairest(self) -> tuple[str, SplitAnswer]:
        """The split that says most about new data, by its name: the test split where there is one."""
        return ("validation", self.validation) if self.test is None else ("test", self.test)

    @staticmethod
    def of(members: tuple[Training, ...], final_model: FinalModel) -> "ModelAnswer":
        """Return what is kept of a model that these trainings were made."""
        test = final_model.test
        return ModelAnswer(
            members=members,
            validation=SplitAnswer.of(final_model.validation, final_model.metric),
            test=None if test is None else SplitAnswer.of(test, final_model.metric),
            weights=final_model.weights,
            latency_ms=final_model.latency_ms,
            calibration=final_model.calibration,
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAnswer:
    """The single model and the ensemble of a study, measured by `metric`; `used` is the one that it hands out.

    That is the ensemble where there is one: by `judged_by`, of which less is better, an average is no worse than its
    members are in the mean. `pool` are the trainings that it was picked from. `why_single` says why there is none.
    """

    metric: str
    judged_by: str
    single: ModelAnswer
    ensemble: ModelAnswer | None
    pool: tuple[Training, ...]
    why_single: str = ""

    @property
    def is_ensemble(self) -> bool:
        """Whether the study hands out the ensemble."""
        return self.used is not self.single

    @property
    def used(self) -> ModelAnswer:
        """The model that the study hands out."""
        return self.single if self.ensemble is None else self.ensemble

    def score(self, model: ModelAnswer) -> float:
        """Return what one of its models measures on validation rows by `judged_by`."""
        return model.validation.metrics[self.judged_by]

    def describe(self) -> dict[str, Any]:
        """Return the answer as JSON."""
        return asdict(self)

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> "StudyAnswer":
        """Return the answer that `describe` described."""
        ensemble = description["ensemble"]
        return StudyAnswer(
            **{
                **description,
                "single": _model(description["single"]),
                "ensemble": None if ensemble is None else _model(ensemble),
                "pool": tuple(Training(**each) for each in description["pool"]),
            }
        )


def training_of(study: StudyRecord, best: TrialRecord, confirmation: Confirmation | None) -> tuple[str, TrialRecord]:
    """Return the training whose weights are a study's single model, and the study that it is a trial of.

    That is the best trial itself, or the best repetition of one that was confirmed.
    """
    if confirmation is None or confirmation.winner.number != best.number:
        return study.name, best
    # Which of them is best is a question of the metrics: as the search's trial, it meets the constraints.
    trained = ranking.best(confirmation.winner.complete, replace(study.goal, constraints=()))
    assert trained is not None
    return companion(study.name), trained


def study_answer(study: StudyRecord, best: TrialRecord | None, confirmation: Confirmation | None) -> StudyAnswer | None:
    """Return the stored answer; None where there is none, or another training is the study's single model by now."""
    found, _ = _stored(study)
    if best is None or found is None:
        return None
    name, record = training_of(study, best, confirmation)
    return found if found.single.members == (training(name, record),) else None


def training(study: str, record: TrialRecord) -> Training:
    """Return a stored trial as a training that a model may be made of."""
    return Training(study=study, number=record.number, epoch=record.epoch)


def answer_failure(study: StudyRecord) -> str:
    """Return why no model was made at the end of the last run; "" where one was, or none was wanted."""
    return _stored(study)[1]


def _stored(study: StudyRecord) -> tuple[StudyAnswer | None, str]:
    """Return the stored answer, or why there is none; the end of the next run stores another one."""
    note = study.notes.get(NOTE) or {}
    try:
        return (StudyAnswer.from_description(note), "") if "single" in note else (None, str(note.get("failure", "")))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        return None, f"what is stored of it cannot be read: {type(error).__name__}: {error}"


def _model(description: Mapping[str, Any]) -> ModelAnswer:
    test = description["test"]
    return ModelAnswer(
        **{
            **description,
            "members": tuple(Training(**each) for each in description["members"]),
            "validation": _split(description["validation"]),
            "test": None if test is None else _split(test),
        }
    )


def _split(description: Mapping[str, Any]) -> SplitAnswer:
    bins = tuple(ReliabilityBin(**each) for each in description["reliability"])
    return SplitAnswer(**{**description, "reliability": bins})
