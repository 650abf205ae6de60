"""Twenty secrets, wherever a person may have them, and none of them in anything that is written or shown.

They come in settings, in the environment, in the URL of the storage, and in what a trial, a module or a metric raises.
What a trial itself prints is its own: only its log has it.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import TEMPLATE
from faults.processes import IS_LONG
from servers import Server

ROOT = str(Path(__file__).parents[2])

SETTINGS = {
    "api_key": "settingsapikey01",
    "password": "settings pass word02",
    "wandb_token": "settingstoken03",
    "url": "postgresql://me:settings@url04@host/db",
    "nested": {"client_secret": "settingsnested05", "list": ["https://u:settingslist06@host/"]},
}
ENVIRONMENT = {
    "SERVICE_API_KEY": "environmentkey07",
    "MY_SECRET": "environment secret08",
    "DATABASE_URL": "mysql://root:environmenturl09@host/db",
    "HF_TOKEN": "environmenttoken10",
    "AWS_SECRET_ACCESS_KEY": "environment/aws+11",
    "SOME_PASSWORD": "environmentpassword12",
}
RAISED = (
    "postgresql://u:raised@url13@host/db refused",
    "Authorization: Bearer raisedbearer14",
    "{'password': 'raised dict15', 'token': 'raisedtoken16'}",
    "GET https://host/x?signature=raisedsigned17&api_key=raisedquery18",
    "sk-live-raisedservice19abcdefgh",
    "-----BEGIN PRIVATE KEY-----\\nraisedpem20\\n-----END PRIVATE KEY-----",
)
SECRETS = tuple(
    f"{word}"
    for word in (
        *("settingsapikey01", "pass word02", "settingstoken03", "url04", "settingsnested05", "settingslist06"),
        *("environmentkey07", "environment secret08", "environmenturl09", "environmenttoken10", "environment/aws+11"),
        *("environmentpassword12", "url13", "raisedbearer14", "raised dict15", "raisedtoken16", "raisedsigned17"),
        *("raisedquery18", "raisedservice19", "raisedpem20"),
    )
)
MODULE = f"""
import os
from tuner import Float, SearchSpace
space = SearchSpace(x=Float(0, 1))
RAISED = {list(RAISED)!r}

def everything(settings):
    plain = [settings["api_key"], settings["password"], os.environ["MY_SECRET"], os.environ["AWS_SECRET_ACCESS_KEY"]]
    return " ".join([*RAISED, repr(dict(settings)), repr(os.environ), *plain])

class Wrapped(Exception):
    pass

def train(trial):
    yield {{"score": trial.config["x"], "told": everything(trial.settings)}}
    if trial.number % 3 == 1:
        try:
            raise ValueError(everything(trial.settings))
        except ValueError as error:
            raise Wrapped(everything(trial.settings)) from error
    if trial.number % 3 == 2:
        yield {{"score": everything(trial.settings)}}
    yield {{"score": trial.config["x"]}}

def never(trial):
    raise RuntimeError(everything(trial.settings))
    yield
"""
BROKEN = MODULE + "raise RuntimeError(' '.join([*RAISED, repr(os.environ), os.environ['MY_SECRET']]))\n"


def toml(objective: str) -> str:
    nested = '{client_secret = "settingsnested05", list = ["https://u:settingslist06@host/"]}'
    plain = "\n".join(f'{key} = "{value}"' for key, value in SETTINGS.items() if isinstance(value, str))
    return (
        f'objective = "{objective}"\nsearch_space = "secretive:space"\nmetric = "score"\ndirection = "maximize"\n'
        f"[settings]\n{plain}\nnested = {nested}\n[budget]\ntrials = 4\nepochs = 2\n"
        "[resources]\nparallel = 1\n"
    )


@pytest.fixture
def place(workplace: Path) -> Path:
    (workplace / "work").mkdir()
    (workplace / "tmp").mkdir()
    (workplace / "given").mkdir()
    given = workplace / "given"
    for name, text in {
        "secretive.py": MODULE,
        "broken.py": BROKEN,
        "secretive.toml": toml("secretive:train"),
        "never.toml": toml("secretive:never"),
        "broken.toml": toml("broken:train"),
    }.items():
        (given / name).write_text(text)
    return workplace


@pytest.fixture(params=["file", "postgresql"])
def database(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> str:
    """An SQLite file, or a database on a server under a user who has a password with @ and / in it."""
    return "" if request.param == "file" else servers("postgresql").database()


def with_password(url: str) -> str:
    return url.replace("tuner@", "tuner:storage@pass/word21@") if url else url


def commands(database: str) -> Iterator[tuple[str, ...]]:
    """Yield them with a password in the storage's URL, and with Ray, which has logs of its own, or with neither."""
    storage = ("--storage", with_password(database)) if database else ()
    executors = ("ray", "inline") if IS_LONG else ("ray" if database else "inline",)
    for executor in executors:
        name = f"secretive-{executor}"
        yield ("run", "secretive.toml", "--executor", executor, "--name", name, *storage, "--log", "tensorboard")
        yield ("resume", name, "--trials", "5", *storage)
        yield ("trials", name, *storage)
        yield ("trials", name, "--format", "json", *storage)
        yield ("report", name, *storage, "-o", f"{name}.html")
        yield ("init", f"{name}-copy.toml", "--from", name, *storage)
    name = f"secretive-{executors[0]}"
    yield ("status", name, *storage)
    yield ("status", name, "--json", *storage)
    yield ("best", name, "--json", *storage)
    yield ("doctor", *storage)
    yield ("list", *storage)
    yield ("run", "never.toml", *storage, "--executor", "inline")
    yield ("run", "broken.toml", *storage, "--executor", executors[0])
    yield ("check", "never.toml")
    yield ("check", "broken.toml")
    yield ("init", "from-file.toml", "--from", "secretive.toml")
    given = ("--set", "settings.api_key=settingsapikey01", "--executor", "inline")
    yield ("run", "secretive.toml", "--name", "given", *given, *storage)
    yield ("resume", "given", "--trials", "6", *storage)
    yield ("run", "secretive.toml", "--storage", "postgresql://u:nowhere@pass/word22@127.0.0.1:1/db")
    yield ("list", "--storage", "postgresql://u:nowhere@pass/word22@127.0.0.1:1/db")
    yield ("compare", name, "given", *storage)


def found_in(text: str) -> list[str]:
    planted = (*SECRETS, "pass/word21", "word21", "word22")
    return [secret for secret in planted if secret in text]


def test_no_secret_is_written_or_shown(place: Path, database: str, servers: Callable[[str], Server]) -> None:
    work = place / "given"
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": ROOT, "TMPDIR": str(place / "tmp"), "COLUMNS": "10000"}
    shown = []
    for words in commands(database):
        done = TEMPLATE.run(*words, cwd=work, env=environment)
        assert done.returncode != 1, (words, done.stderr)
        shown += [(words, secret) for secret in found_in(done.stdout + done.stderr)]
    assert shown == []
    given = {"secretive.py", "broken.py", "secretive.toml", "never.toml", "broken.toml"}
    written = [
        path
        for path in place.rglob("*")
        if path.is_file() and path.name not in given and path.suffix != ".pyc" and path.parent.parent.name != "logs"
    ]
    assert len(written) > 10
    leaks = [(path.name, secret) for path in written for secret in found_in(path.read_bytes().decode(errors="replace"))]
    assert leaks == []
    private = [path for path in written if path.suffix in {".html", ".md", ".toml", ".db"}]
    assert {path.stat().st_mode & 0o077 for path in private} == {0}
    if database:
        assert found_in(dumped(database)) == []


def dumped(url: str) -> str:
    """Return all that is in the tables of a server's database."""
    from sqlalchemy import MetaData, create_engine, select  # noqa: PLC0415 - one test reads past the store

    engine = create_engine(url)
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [str(tuple(row)) for table in tables.sorted_tables for row in connection.execute(select(table))]
    engine.dispose()
    assert len(rows) > 20
    return "\n".join(rows)
