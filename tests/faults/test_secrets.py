"""Fifty secrets, wherever a person may have them, and none of them in anything that is written or shown.

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
    "credentials": {"user": "settingsuser23", "value": "settingsvalue24"},
    "pin": 2525252525,
}
ENVIRONMENT = {
    "SERVICE_API_KEY": "environmentkey07",
    "MY_SECRET": "environment secret08",
    "DATABASE_URL": "mysql://root:environmenturl09@host/db",
    "HF_TOKEN": "environmenttoken10",
    "AWS_SECRET_ACCESS_KEY": "environment/aws+11",
    "SOME_PASSWORD": "environmentpassword12",
    "DB_PASS": "environmentpass26",
    "STRIPE_KEY": "environmentstripe27",
    "LINES_TOKEN": "environmentline28\nenvironmentline29",
    "GCP_CREDENTIALS": '{"type": "account", "private_key": "environmentjson30\\nenvironmentjson31"}',
    "QUOTED_SECRET": "environment'quote\"32",
    "SENTRY": "https://environmentsentry33@sentry.io/1",
    "CONNECTION": "host=h password=environmentkeyword34",
}
RAISED = (
    "postgresql://u:raised@url13@host/db refused",
    "Authorization: Bearer raisedbearer14",
    "{'password': 'raised dict15', 'token': 'raisedtoken16'}",
    "GET https://host/x?signature=raisedsigned17&api_key=raisedquery18",
    "sk-live-raisedservice19abcdefgh",
    "-----BEGIN PRIVATE KEY-----\\nraisedpem20\\n-----END PRIVATE KEY-----",
    "Authorization: ApiKey raisedscheme35",
    'Authorization: Digest username="me", response="raiseddigest36"',
    "{b'x-api-key': b'raisedbytes37'}",
    '"{\\\\"password\\\\": \\\\"raisedjson38\\\\"}"',
    "Server=h;Uid=me;Pwd=raisedodbc39;",
    "Command ['mysql', '--password', 'raisedoption40'] failed",
    "curl -u me:raisedcurl41 https://host",
    "postgresql://u:raised'quote42@host/db",
    "password = ab'c(raisedbare43",
    "-----BEGIN RSA PRIVATE KEY-----\nraisedpem44\n-----END RSA PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxraisedjwt45.abcDEF",
    "https://hooks.slack.com/services/T0/B0/raisedhook46",
    "DefaultEndpointsProtocol=https;AccountKey=raisedazure47==;EndpointSuffix=core",
    "<password>raisedxml48</password>",
    "password: |\n  raisedyaml49",
)
COMMAND = "{python} command.py --password commandoption50 --url http://u:commandurl51@host --x {x}"
SECRETS = tuple(
    f"{word}"
    for word in (
        *("settingsapikey01", "pass word02", "settingstoken03", "url04", "settingsnested05", "settingslist06"),
        *("environmentkey07", "environment secret08", "environmenturl09", "environmenttoken10", "environment/aws+11"),
        *("environmentpassword12", "url13", "raisedbearer14", "raised dict15", "raisedtoken16", "raisedsigned17"),
        *("raisedquery18", "raisedservice19", "raisedpem20", "settingsuser23", "settingsvalue24", "2525252525"),
        *("environmentpass26", "environmentstripe27", "environmentline28", "environmentline29", "environmentjson30"),
        *("environmentjson31", "environment'quote", 'quote"32', "environmentsentry33", "environmentkeyword34"),
        *("raisedscheme35", "raiseddigest36", "raisedbytes37", "raisedjson38", "raisedodbc39", "raisedoption40"),
        *("raisedcurl41", "quote42", "raisedbare43", "raisedpem44", "raisedjwt45", "raisedhook46", "raisedazure47"),
        *("raisedxml48", "raisedyaml49", "commandoption50", "commandurl51"),
    )
)
MODULE = f"""
import os
from tuner import Float, SearchSpace
space = SearchSpace(x=Float(0, 1))
RAISED = {list(RAISED)!r}

def everything(settings):
    names = ["MY_SECRET", "AWS_SECRET_ACCESS_KEY", "DB_PASS", "STRIPE_KEY", "LINES_TOKEN", "QUOTED_SECRET"]
    plain = [settings["api_key"], settings["password"], str(settings["pin"]), settings["credentials"]["value"]]
    plain += [each for name in names for each in (os.environ[name], repr(os.environ[name]))]
    plain += ["environmentline29", "environmentjson31", "environmentsentry33", "environmentkeyword34"]
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


COMMANDS = ("--space", "space.toml", "--metric", "loss", "--direction", "minimize", "--trials", "2")
PROGRAM = "import sys\nsys.exit('it failed with ' + ' '.join(sys.argv))\n"


def toml(objective: str) -> str:
    nested = '{client_secret = "settingsnested05", list = ["https://u:settingslist06@host/"]}'
    plain = "\n".join(f'{key} = "{value}"' for key, value in SETTINGS.items() if isinstance(value, str))
    return (
        f'objective = "{objective}"\nsearch_space = "secretive:space"\nmetric = "score"\ndirection = "maximize"\n'
        f"[settings]\n{plain}\nnested = {nested}\npin = 2525252525\n"
        'credentials = {user = "settingsuser23", value = "settingsvalue24"}\n'
        "[budget]\ntrials = 4\nepochs = 2\n"
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
        "command.py": PROGRAM,
        "space.toml": "x = {float = [0.0, 1.0]}\n",
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
    yield from further_commands(name, storage)


def further_commands(name: str, storage: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the other queries, a command with secrets among its words, and a study that waits in the queue."""
    yield ("explain", name, "1", *storage)
    yield ("explain", name, "0", "--json", *storage)
    yield ("importance", name, "--json", *storage)
    yield ("trials", name, "--format", "csv", *storage)
    yield ("export", name, "exported", *storage)
    yield ("doctor", "--json", *storage)
    yield ("run", "--command", COMMAND, *COMMANDS, "--name", "command", "--executor", "ray", *storage)
    yield ("resume", "command", "--trials", "3", *storage)
    yield ("resume", "command", "--trials", "3", "--set", f"command={COMMAND}", *storage)
    yield ("trials", "command", "--format", "json", *storage)
    yield ("report", "command", *storage, "-o", "command.html")
    yield ("init", "command.toml", "--from", "command", *storage)
    yield ("submit", "secretive.toml", "--name", "queued", *storage)
    yield ("list", "--json", *storage)
    yield ("work", "--until-empty", "--executor", "inline", *storage)
    yield ("status", "queued", "--json", *storage)


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
    given = {"secretive.py", "broken.py", "secretive.toml", "never.toml", "broken.toml", "command.py", "space.toml"}
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
