"""The confirmation of a search as a run of its own: the repetitions are a study beside it."""

from collections.abc import Sequence
from contextlib import ExitStack

from tuner.domain.new_study import NewStudy
from tuner.domain.run_controller import RunController
from tuner.domain.study_record import StudyRecord, companion, folder_name
from tuner.domain.trial import TrialRecord, TrialState
from tuner.execution.study_checkpoints import StudyCheckpoints, store_of
from tuner.running.candidate_retention import CandidateRetention
from tuner.running.components import RunComponents
from tuner.running.confirmation import confirming, winners
from tuner.running.held_study import HeldStudy, holding
from tuner.running.session import Confirm, StudyRunner
from tuner.running.stored_study import settle
from tuner.running.tracked_listeners import MakeListeners
from tuner.storage.folder_owner import place_of
from tuner.storage.reader import new_id
from tuner.storage.store import Store


def confirmation_of_search(
    study: StudyRecord, store: Store, components: RunComponents, listeners: MakeListeners | None, exits: ExitStack
) -> Confirm:
    """Return what begins the confirmation of a study; the lease of its repetitions is released with `exits`."""

    def begin(trials: Sequence[TrialRecord], assignments_issued: int) -> RunController | None:
        if not any(trial.state is TrialState.COMPLETE for trial in trials):
            return None
        repeated, identity = companion(study.name), new_id()
        before: tuple[TrialRecord, ...] = ()
        if repeated in store:
            stored, before = store.read(repeated)
            identity = stored.id
        location = place_of(store.location, study)
        folders = location.folders_of(folder_name(repeated, identity), components.spec.storage.checkpoints)
        part = confirming(components, trials, before, folders)
        if repeated not in store:
            store.create(
                NewStudy(
                    name=repeated,
                    goal=part.goal,
                    space=part.space,
                    spec=part.spec.describe(),
                    source={"study": study.name, "overrides": {}, "folder": str(components.worker_spec.folder)},
                    identity=identity,
                )
            )
        repetitions = exits.enter_context(holding(store, location, repeated))
        settle(repetitions)
        repetitions.writer.annotate("spec", part.spec.describe())
        watching = listeners(part, before) if listeners else ()
        checkpoints = StudyCheckpoints(store_of(folders))
        beaten = CandidateRetention(checkpoints, trials, before, components.goal, components.spec.confirm.seeds)
        keepers = () if components.combines else (beaten,)  # an ensemble may be made of any of them
        to_test = winners(trials, components.goal)
        runner = StudyRunner(repetitions, part, listeners=(*keepers, *watching), to_test=to_test)
        return runner.controller(assignments_issued)

    return begin


def is_confirmed(search: HeldStudy, components: RunComponents, trials: Sequence[TrialRecord]) -> bool:
    """Whether the best configurations of a search were trained again, as often as the study asks for."""
    store, location, repeated = search.store, search.location, companion(search.name)
    if repeated not in store:
        return False
    record, before = store.read(repeated)
    part = confirming(
        components, trials, before, location.folders_of(record.folder_name, components.spec.storage.checkpoints)
    )
    with holding(store, location, repeated) as repetitions:
        runner = StudyRunner(repetitions, part, to_test=winners(trials, components.goal))
        return not runner.has_unstored and runner.controller().is_finished
