from tuner.search_spaces._blocks import lr_schedules, optimizers


def test_the_first_name_is_the_default() -> None:
    assert optimizers("sgd", "adamw").default == "sgd"
    assert lr_schedules("step", "constant").options == ("step", "constant")


def test_every_schedule_may_warm_up() -> None:
    branches = lr_schedules("constant", "step", "cosine", "one_cycle").branches
    assert branches is not None
    assert all("warmup" in branch for branch in branches.values())
