from search_quality.own_system import OwnSystem
from search_quality.simulation import simulated
from tiny_task import EPOCHS, tiny_task

TASK = tiny_task()


def test_the_first_proposal_is_the_default_configuration_until_the_last_epoch() -> None:
    proposal = OwnSystem("random+asha", TASK, seed=0, workers=4).ask()
    assert proposal is not None
    assert proposal.config == TASK.space.default
    assert (proposal.trial, proposal.start, proposal.until) == (0, 0, EPOCHS)


def test_a_run_depends_on_its_seed_only() -> None:
    first, again, other = (
        simulated(TASK, OwnSystem("random+asha", TASK, seed, workers=4), seed, workers=4) for seed in (1, 1, 2)
    )
    assert (first.values, first.incumbents, first.trials) == (again.values, again.incumbents, again.trials)
    assert first.values != other.values
