"""Studies side by side: how their answers differ and how sure that is, and what was asked of them differently."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from tuner.analysis.difference import detectable, welch
from tuner.analysis.estimate import Estimate
from tuner.analysis.queries import Summary
from tuner.domain.errors import ConfigurationError
from tuner.domain.space_difference import in_words
from tuner.domain.study_record import StudyRecord

Texts = Mapping[str, tuple[str | None, ...]]
"""What each study says, by what it is about; None where a study says nothing of it."""

_APART = ("name", "search_space")
"""Keys of a spec that are not compared: they make no difference, or are compared parameter by parameter."""


_SPLITTING = ("validation", "test")
"""The settings that decide which rows a metric is measured on, beside the data and the seed."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudyDifference:
    """By how much the answer of `study` is better than that of `than`; less than 0 where it is worse.

    `difference` has an interval where both answers were confirmed. Where not, it is of the values that the searches had
    shown, one each, and None where one of them has no answer at all. `unconfirmed` are those that were not. It
    `is_paired` where both were measured on the same rows. `detectable` is the least true difference that such
    trainings find in four of five cases; None where that is not known.
    """

    study: str
    than: str
    difference: Estimate | None
    unconfirmed: tuple[str, ...]
    is_paired: bool = False
    detectable: float | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether both answers were confirmed."""
        return not self.unconfirmed

    @property
    def is_sure(self) -> bool:
        """Whether the interval has zero outside."""
        return (
            self.is_confirmed and self.difference is not None and not self.difference.low <= 0 <= self.difference.high
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Studies in the order they were asked for; `verdicts` compare each with the first.

    `doubts` say why values may not compare, though they can be looked at; there are no verdicts where they do not.
    """

    summaries: tuple[Summary, ...]
    asked: Texts
    parameters: Texts
    doubts: tuple[str, ...]
    verdicts: tuple[StudyDifference, ...]


def compare(summaries: Sequence[Summary]) -> Comparison:
    """Return the studies side by side; raises `ConfigurationError` where they searched for different things."""
    studies = [summary.study for summary in summaries]
    first = studies[0]
    if any((each.metric, each.direction) != (first.metric, first.direction) for each in studies):
        searched = (f"{each.name} is to {each.direction.value} {each.metric}" for each in studies)
        raise ConfigurationError(f"these studies cannot be compared: {', '.join(searched)}")
    about_data = [*_about_data(studies)]
    return Comparison(
        summaries=tuple(summaries),
        asked=_differing([dict(_leaves(study.spec)) for study in studies]),
        parameters=_differing([dict(_parameters(study)) for study in studies]),
        doubts=(*about_data, *_about_splits(studies)),
        verdicts=() if about_data else tuple(_verdict(each, summaries[0]) for each in summaries[1:]),
    )


def _about_data(studies: Sequence[StudyRecord]) -> Iterator[str]:
    """Yield why the studies' values are of different things."""
    measured = {"objective": [study.spec.get("command") or study.spec.get("objective") for study in studies]}
    settings = [study.spec.get("settings", {}) for study in studies]
    measured["dataset"] = [_data(study) or each.get("dataset") for study, each in zip(studies, settings, strict=True)]
    measured["target"] = [each.get("target") for each in settings]
    for what, values in measured.items():
        if any(value != values[0] for value in values):
            yield f"the {what} is not the same: the values say nothing about each other"


def _data(study: StudyRecord) -> str | None:
    """Return the fingerprint of the study's data, None where it has none of its own."""
    fingerprint: str | None = study.notes.get("data", {}).get("fingerprint")
    return fingerprint


def _about_splits(studies: Sequence[StudyRecord]) -> Iterator[str]:
    if any(study.spec.get("seed") != studies[0].spec.get("seed") for study in studies):
        yield "the seeds differ: where a seed splits the data, values come from different parts of it"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        here = f"{path}{key}"
        if here in _APART:
            continue
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{here}.")
        elif inner not in (None, "", []):
            yield here, inner if isinstance(inner, str) else json.dumps(inner)


def _parameters(study: StudyRecord) -> Iterator[tuple[str, str]]:
    if study.space is not None:
        yield from ((path, in_words(each)) for path, each in study.space.parameters.items())
    yield from ((f"rule: {reason}", "yes") for reason in study.rules)


def _differing(said: Sequence[Mapping[str, str]]) -> Texts:
    paths = dict.fromkeys(path for each in said for path in each)
    rows = {path: tuple(each.get(path) for each in said) for path in paths}
    return {path: texts for path, texts in rows.items() if len(set(texts)) > 1}


def _verdict(one: Summary, other: Summary) -> StudyDifference:
    ours, theirs = one.confirmation, other.confirmation
    sign = one.study.direction.sign
    difference, is_paired, least = None, False, None
    if ours is not None and theirs is not None:
        is_paired = _has_the_same_rows(one.study, other.study)
        difference = welch(ours.winner.complete, theirs.winner.complete, one.study.goal, is_paired=is_paired)
        is_paired = is_paired and difference.rows > 0
        least = detectable(difference) if difference.is_known else None
    elif one.best is not None and other.best is not None:
        mean = sign * ((one.best.value or 0.0) - (other.best.value or 0.0))
        difference = Estimate(mean=mean, low=-math.inf, high=math.inf, values=())
    return StudyDifference(
        study=one.study.name,
        than=other.study.name,
        difference=difference,
        unconfirmed=tuple(each.study.name for each in (one, other) if each.confirmation is None),
        is_paired=is_paired,
        detectable=least,
    )


def _has_the_same_rows(one: StudyRecord, other: StudyRecord) -> bool:
    """Whether both studies measured on the same rows, in the same order: the same data, split by the same seed."""
    settings = [{key: study.spec.get("settings", {}).get(key) for key in _SPLITTING} for study in (one, other)]
    seeds = [study.spec.get("seed") for study in (one, other)]
    return seeds[0] == seeds[1] and settings[0] == settings[1]
