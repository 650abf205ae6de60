"""`group` and `time` in the settings of a table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tuner
from tuner import Budget, Choice, ConfigurationError, SearchSpace, StudySpec
from tuner.domain.config import Config
from tuner.domain.row_values import RowKeeper
from tuner.domain.trial import Trial
from tuner.execution.checkpoints import BestCheckpoint
from tuner.objectives.supervised import Supervised
from tuner.objectives.user_data.open_data import Opened, open_data
from tuner.objectives.user_data.options import DataOptions

Open = Callable[..., Opened]

ROWS = [(f"c{index % 12}", f"2024-{1 + index // 10:02}-{1 + index % 10:02}", index * 7 % 31) for index in range(120)]
TABLE = "\n".join(["customer,day,x,y", *(f"{c},{day},{x}.5,{'yes' if x > 15 else 'no'}" for c, day, x in ROWS)]) + "\n"


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def open_(contents: str = TABLE, **options: Any) -> Opened:
        (tmp_path / "t.csv").write_text(contents)
        asked = DataOptions.of({"target": "y", **options})
        return open_data(tmp_path / "t.csv", asked, validation=0.2, test=0.2, seed=0)

    return open_


def about(data: Opened, name: str) -> tuple[str, str]:
    line = next(each for each in data.record.columns if each.name == name)
    return line.type, line.about


def test_the_summary_says_how_groups_are_split(opened: Open) -> None:
    kind, words = about(opened(group="customer"), "customer")
    assert kind == "group"
    assert words == "12 groups of 10 rows: 7 to train (70 rows), 3 to validate (30), 2 to test (20)"


def test_the_summary_says_which_times_train_validate_and_test(opened: Open) -> None:
    data = opened(time="day")
    assert about(data, "day") == (
        "time",
        "trains on 2024-01-01 to 2024-08-02 (72 rows), validates from 2024-08-03 (24), tests from 2024-10-07 (24)",
    )
    assert not [note for note in data.notes if "order of column" in note]


def test_rows_that_lie_in_the_order_of_time_are_said_to_have_a_setting(opened: Open) -> None:
    assert any('time = "day" in [settings]' in note for note in opened().notes)


@pytest.mark.parametrize(("key", "column", "kind"), [("group", "customer", "category"), ("time", "day", "date")])
def test_the_column_is_no_feature_unless_it_is_given_a_type(opened: Open, key: str, column: str, kind: str) -> None:
    def features(**options: Any) -> list[str]:
        return [each.name for each in opened(**{key: column}, **options).dataset.schema.columns if each.names]

    assert column not in features()
    assert column in features(columns={column: kind})
    found, words = about(opened(**{key: column}, columns={column: kind}), column)
    assert found == kind
    assert "; the rows are split by it: " in words


def test_years_are_times_too(opened: Open) -> None:
    contents = "\n".join(["year,x,y", *(f"{2000 + index % 20},{index}.5,{index % 3}.25" for index in range(100))])
    kind, words = about(opened(contents, time="year"), "year")
    assert kind == "time"
    assert words.startswith("trains on 2000 to 2011 (60 rows), validates from 2012 (20), tests from 2016 (20)")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": "costumer"}, "settings.group: there is no column 'costumer'; did you mean 'customer'?"),
        ({"time": "y"}, "settings.time: 'y' is the target, which is not known of new rows; name another column"),
        ({"group": "same"}, "settings.group: column 'same' has 1 group, and training, validation and test need one"),
        ({"time": "customer"}, "line 2, column 'customer': 'c0' is not a date"),
    ],
)
def test_a_column_that_rows_cannot_be_split_by_is_refused(opened: Open, options: dict[str, str], said: str) -> None:
    lines = TABLE.splitlines()
    contents = "\n".join([f"same,{lines[0]}", *(f"s,{line}" for line in lines[1:])])
    with pytest.raises(ConfigurationError) as raised:
        opened(contents, **options)
    assert any(said in problem for problem in raised.value.problems)


@pytest.mark.parametrize(
    ("value", "options", "said"),
    [
        ("", {"time": "day"}, "line 4, column 'day': is empty, and settings.time names it"),
        ("soon", {"time": "day"}, "line 4, column 'day': 'soon' is not a date like the others (ISO8601)"),
    ],
)
def test_a_date_that_cannot_be_read_is_refused_with_its_line(
    opened: Open, value: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        opened(TABLE.replace("2024-01-03", value), **options)
    assert any(said in problem for problem in raised.value.problems)


def test_a_row_without_a_group_is_refused_with_its_line(opened: Open) -> None:
    with pytest.raises(ConfigurationError, match=r"line 4, column 'customer': is empty, and settings\.group names it"):
        opened(TABLE.replace("c2,2024-01-03", ",2024-01-03"), group="customer")


def test_group_beside_time_is_refused() -> None:
    (problem,) = DataOptions.problems({"target": "y", "group": "customer", "time": "day"})
    assert problem.startswith("group: is there beside time")


def test_arrays_have_no_column_to_split_by(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.eye(8), y=np.arange(8) % 2)
    options = DataOptions.of({"group": "customer"})
    with pytest.raises(ConfigurationError, match=r"settings\.group: names a column of a table, and .*d\.npz is none"):
        open_data(tmp_path / "d.npz", options, validation=0.2, test=0.2, seed=0)


def test_what_rows_contribute_is_kept_by_group_so_that_intervals_allow_for_other_groups(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    settings = {"dataset": str(tmp_path / "t.csv"), "target": "y", "group": "customer"}
    trial = Trial(
        config=Config({}),
        number=0,
        seed=0,
        device="cpu",
        epoch=0,
        max_epochs=1,
        settings=Config(settings),
        checkpoints=BestCheckpoint(tmp_path, 0),
        rows=RowKeeper("accuracy"),
    )
    outcome = Supervised(settings, 0).start([trial]).advance()[0]
    assert isinstance(outcome, dict)
    kept = trial.rows.take()
    assert kept is not None
    assert len(kept) == 3
    assert np.frombuffer(kept.data, dtype="<f4").mean() == pytest.approx(outcome["accuracy"])


@pytest.mark.parametrize("key", ["group", "time"])
def test_a_model_of_rows_that_were_split_by_a_column_needs_it_not(workplace: Path, key: str) -> None:
    Path("t.csv").write_text(TABLE)
    column = {"group": "customer", "time": "day"}[key]
    study = tuner.run(
        StudySpec(
            objective="supervised",
            search_space=SearchSpace(cleaning=Choice("mean")),
            metric="loss",
            direction="minimize",
            settings={"dataset": "t.csv", "target": "y", key: column},
            budget=Budget(trials=1, epochs=1),
            executor="inline",
        )
    )
    study.export("model")
    model = tuner.load_model("model")
    assert column not in (model.columns or ())
    assert study.test_metrics is not None
