"""What a study hands out, settled at the end of a run: the single model, and the ensemble where there is one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tuner.analysis.study_answer import NOTE, ModelAnswer, StudyAnswer, Training, training
from tuner.domain.answer_spec import AnswerSpec
from tuner.domain.errors import NoUsableTrialError, StudyHeldError, TunerError
from tuner.domain.objective import Objective
from tuner.domain.ranking import ranked
from tuner.domain.study import StudySpec
from tuner.domain.study_record import StudyRecord, companion
from tuner.domain.trial import Trial
from tuner.execution.checkpoint_retention import KEPT
from tuner.execution.host import is_failure_here
from tuner.execution.threads import computing_with
from tuner.execution.user_failures import failure_of
from tuner.models.study_trainings import StudyTrainings, no_weights
from tuner.storage.store import Store

Announce = Callable[[str], None]
"""Tells a person what takes a while."""


def _silently(_: str) -> None:
    pass


def settle_answer(store: Store, name: str, spec: StudySpec | None = None, *, announce: Announce = _silently) -> None:
    """Store what the study hands out, where it is to be an ensemble or its data is a person's own table.

    `spec` stands in for that of a study that was made in Python. What keeps a model from being made is stored too: the
    study itself has ended well. Nothing is stored of a study that another process continues by now: that settles it.
    """
    study = store.study(name)
    if not study.spec or study.asks_and_tells or not _is_wanted(study):
        return
    try:
        trainings = StudyTrainings(store, name, spec=spec, trust=True)  # it has just run
        if type(trainings.objective).ensemble is Objective.ensemble:
            return
        content: Mapping[str, Any] = _settled(trainings, announce).describe()
    except NoUsableTrialError:
        return
    except TunerError as error:
        content = {"failure": error.message}
    except BaseException as error:
        if not is_failure_here(error):
            raise
        content = {"failure": failure_of(error).message}
    with suppress(StudyHeldError), store.holding(name) as writer:
        writer.annotate(NOTE, content)


def _is_wanted(study: StudyRecord) -> bool:
    return not study.goal.has_several and (_answer_of(study).ensemble is True or _is_own_table(study))


def _answer_of(study: StudyRecord) -> AnswerSpec:
    return StudySpec.from_description(study.spec).answer


def _is_own_table(study: StudyRecord) -> bool:
    return bool((study.notes.get("data") or {}).get("columns"))


def _settled(trainings: StudyTrainings, announce: Announce) -> StudyAnswer:
    single = trainings.single
    trial = trainings.trial_of(single)
    if trial is None:
        raise no_weights(trainings)
    pool = dict(_pool(trainings, single, trial))
    before = trainings.answer
    if before is not None and _still_holds(before, trainings, pool):
        return before
    final_model = trainings.objective.final_model([trial], [1])
    alone = ModelAnswer.of((single,), final_model)
    why_single = _why_single(trainings, pool)
    ensemble = None if why_single else _ensemble(trainings, pool, announce)
    return StudyAnswer(
        metric=final_model.metric,
        judged_by=final_model.judged_by,
        single=alone,
        ensemble=ensemble,
        pool=tuple(pool),
        why_single=why_single,
    )


def _still_holds(before: StudyAnswer, trainings: StudyTrainings, pool: Mapping[Training, Trial]) -> bool:
    """Whether an answer is of the same trainings, is what `[answer]` asks for, and has its weights."""
    if before.pool != tuple(pool) or before.why_single != _why_single(trainings, pool):
        return False
    ensemble = before.ensemble
    if ensemble is None:
        return True
    is_wanted = _answer_of(trainings.study).all_rows
    if not ensemble.all_rows:
        # Also where it does not pay, which only the objective knows; an earlier version left it out everywhere.
        return not is_wanted
    return is_wanted and all(trainings.trial_on_all(each).load() is not None for each in ensemble.members)


def _why_single(trainings: StudyTrainings, pool: Mapping[Training, Trial]) -> str:
    """Return why there is no ensemble; "" where there is one."""
    if not _answer_of(trainings.study).combines(is_own_table=_is_own_table(trainings.study)):
        return "answer.ensemble is false"
    if trainings.study.constraints:
        return "an average does not meet the constraints that its members meet"
    return "no other training has kept its weights" if len(pool) == 1 else ""


def _ensemble(trainings: StudyTrainings, pool: Mapping[Training, Trial], announce: Announce) -> ModelAnswer | None:
    """Return the average that is best on validation rows; None where that is a single training."""
    lead = len(_winners(trainings) & pool.keys()) or 1
    trials = [*pool.values()]
    counts = trainings.objective.ensemble(trials, lead=lead)
    members = tuple(
        Training(study=each.study, number=each.number, epoch=each.epoch, count=count)
        for each, count in zip(pool, counts, strict=True)
        if count
    )
    if len(members) == 1:
        return None
    announce(f"making its model, an average of {len(members)} trainings")
    kept = [(trial, count) for trial, count in zip(trials, counts, strict=True) if count]
    on_all = _trained_on_all(trainings, members)
    final_model = trainings.objective.final_model([trial for trial, _ in kept], [count for _, count in kept], on_all)
    return replace(ModelAnswer.of(members, final_model), all_rows=bool(on_all))


def _trained_on_all(trainings: StudyTrainings, members: Sequence[Training]) -> Sequence[Trial]:
    """Return the members' trials, trained once more on all rows.

    None where they are not to be, it does not pay, or one of them has diverged; and where one cannot be: what continued
    from another trial's weights, as under `pbt`, is not what its configuration makes from the beginning.
    """
    if not _answer_of(trainings.study).all_rows or any(trainings.continued_from_another(each) for each in members):
        return ()
    trials = [trainings.trial_on_all(each) for each in members]
    with computing_with(trainings.threads):
        pays = trainings.objective.train_on_all([each for each in trials if each.load() is None])
    return trials if pays and all(each.load() is not None for each in trials) else ()


def _winners(trainings: StudyTrainings) -> set[Training]:
    """Return the winner's trainings."""
    confirmation = trainings.summary.confirmation
    if confirmation is None or trainings.chosen.study == trainings.name:
        return {trainings.single}
    return {training(companion(trainings.name), each) for each in confirmation.winner.complete}


def _pool(trainings: StudyTrainings, single: Training, trial: Trial) -> Iterator[tuple[Training, Trial]]:
    """Yield the trainings that have their weights: the winner's first, then other repetitions and the best trials."""
    yield single, trial
    winners, repeated = _winners(trainings), companion(trainings.name)
    confirmation = trainings.summary.confirmation
    candidates = () if confirmation is None else confirmation.candidates
    repetitions = [(repeated, each) for candidate in candidates for each in candidate.complete]
    best = [(trainings.name, each) for each in ranked(trainings.trials, trainings.study.goal)[:KEPT]]
    found = [training(study, record) for study, record in (*repetitions, *best)]
    for each in sorted(found, key=lambda it: it not in winners):  # which keeps their order otherwise
        other = None if each == single else trainings.trial_of(each)
        if other is not None:
            yield each, other
