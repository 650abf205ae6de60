"""The dashboard, asked over HTTP while a study runs: it shows everything and changes nothing."""

import http.client
import json
import shutil
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, final

import pytest
from fakes import metrics
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState as OptunaState

from tuner import Direction, Float, SearchSpace, TrialRecord, TrialState
from tuner.display.dashboard import address, dashboard
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.new_study import NewStudy
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Report
from tuner.running.session import now
from tuner.storage.read_only import optuna_view
from tuner.storage.store import Store, open_store
from tuner.storage.writer import SqlStudyWriter

SPACE = SearchSpace(x=Float(0, 1))
PAGES = ("/", "/dashboard", "/api/meta", "/api/studies", "/api/studies/1", "/csv/1")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("fresh") / "studies.db"
    store = open_store(str(file))
    store.create(NewStudy(name="s", goal=Goal.of("accuracy", Direction.MAXIMIZE), space=SPACE, spec={}, source={}))
    with store.holding("s") as writer:
        advance(writer, 0, TrialState.COMPLETE)
        advance(writer, 1, TrialState.RUNNING)
    store.close()
    return file


@pytest.fixture
def store(fresh: Path, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(shutil.copy(fresh, tmp_path / "a b#?%.db")))
    yield opened
    opened.close()


def advance(writer: SqlStudyWriter, number: int, state: TrialState) -> None:
    """Begin a trial and report its first epoch: two transactions."""
    trial = TrialRecord(number=number, state=TrialState.RUNNING, config=SPACE.default, started=now())
    writer.begin([trial])
    after = TrialRecord(
        number=number,
        state=state,
        config=SPACE.default,
        value=0.5,
        epoch=1,
        metrics=metrics(0.5),
        started=now(),
        finished=now() if state.is_finished else None,
    )
    writer.write([TrialUpdate(trial=after, report=Report(number=number, epoch=1, metrics=metrics(0.5)))])


@final
class Browser:
    """Asks the dashboard for pages."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port = port
        self.cookie = {"Cookie": f"tuner-{port}={token}"} if token else {}

    def ask(self, path: str, method: str = "GET", body: object = None, **headers: str) -> tuple[int, str]:
        text = None if body is None else json.dumps(body)
        sent = {"Accept-Encoding": "identity", "Content-Type": "application/json", **self.cookie, **headers}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port)) as connection:
            connection.request(method, path, text, sent)
            response = connection.getresponse()
            return response.status, response.read().decode()


@contextmanager
def served(store: Store) -> Iterator[Browser]:
    with dashboard(store.location, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Browser(server.server_port, server.token)
        finally:
            server.shutdown()
            thread.join()


def content(store: Store) -> list[str]:
    """Return all that the database holds."""
    with closing(sqlite3.connect(f"{store.location.file}")) as connection:
        return list(connection.iterdump())


def test_a_running_study_is_shown_as_it_is_now(store: Store) -> None:
    with served(store) as browser, store.holding("s") as writer:
        assert [each["study_name"] for each in json.loads(browser.ask("/api/studies")[1])["study_summaries"]] == ["s"]
        advance(writer, 2, TrialState.RUNNING)
        trials = json.loads(browser.ask("/api/studies/1")[1])["trials"]
    assert [each["number"] for each in trials] == [0, 1, 2]
    assert [each["state"] for each in trials] == ["Complete", "Running", "Running"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_shows_something_is_there(store: Store, page: str) -> None:
    with served(store) as browser:
        assert browser.ask(page)[0] in (200, 302)


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/api/studies", {"study_name": "new", "directions": ["minimize"]}),
    ("DELETE", "/api/studies/1", None),
    ("POST", "/api/studies/1/rename", {"study_name": "other"}),
    ("PUT", "/api/studies/1/note", {"body": "mine", "version": 1}),
    ("PUT", "/api/studies/1/1/note", {"body": "mine", "version": 1}),
    ("POST", "/api/trials/2/tell", {"state": "Complete", "values": [1.0]}),
    ("POST", "/api/trials/2/user-attrs", {"user_attrs": {"mine": 1}}),
    ("POST", "/api/studies/1/2/skip", None),
    ("POST", "/incompatible-rdb-schema", None),
    ("PATCH", "/api/studies/1", {}),
    ("OPTIONS", "/api/studies/1", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_nothing_can_be_changed_over_http(store: Store, method: str, path: str, body: Any) -> None:
    before = content(store)
    with served(store) as browser:
        assert browser.ask(path, method, body) == (405, '{"reason": "studies can only be looked at here"}')
        # A framework may take another header's word for what the method is.
        browser.ask(path, "GET", body, **{"X-HTTP-Method-Override": method})
    assert content(store) == before


def test_the_database_refuses_what_would_get_past_the_guard(store: Store) -> None:
    before = content(store)
    view = optuna_view(store.location)
    assert [trial.state for trial in view.get_all_trials(1)] == [OptunaState.COMPLETE, OptunaState.RUNNING]
    with pytest.raises(StorageInternalError):
        view.set_trial_state_values(2, OptunaState.COMPLETE, [1.0])
    with pytest.raises(StorageInternalError):
        view.delete_study(1)
    assert content(store) == before


def test_a_study_that_runs_is_not_kept_waiting_while_it_is_looked_at(store: Store) -> None:
    over = threading.Event()

    def look(browser: Browser) -> int:
        asked = 0
        while not over.is_set():
            assert browser.ask("/api/studies/1")[0] == 200
            asked += 1
        return asked

    with served(store) as browser, store.holding("s") as writer, ThreadPoolExecutor(max_workers=4) as pool:
        looking = [pool.submit(look, browser) for _ in range(4)]
        try:
            with closing(sqlite3.connect(f"{store.location.file}", timeout=0, isolation_level=None)) as impatient:
                for number in range(2, 22):
                    advance(writer, number, TrialState.RUNNING)
                    impatient.execute("BEGIN IMMEDIATE")  # fails at once where anybody else could write
                    impatient.execute("COMMIT")
        finally:
            over.set()
        assert all(each.result() > 0 for each in looking)
    assert len(store.read("s")[1]) == 22


def test_it_is_shown_while_the_study_is_in_the_middle_of_a_transaction(store: Store) -> None:
    with served(store) as browser, closing(sqlite3.connect(f"{store.location.file}", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM trials")
        assert len(json.loads(browser.ask("/api/studies/1")[1])["trials"]) == 2
        writer.execute("ROLLBACK")


def test_between_two_requests_nothing_is_held_open(store: Store) -> None:
    with served(store) as browser, store.holding("s") as writer:
        for page in PAGES:
            browser.ask(page)
        advance(writer, 2, TrialState.RUNNING)
        with closing(sqlite3.connect(f"{store.location.file}", timeout=0)) as connection:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0  # a reader that still looked at an older state would be in the way


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{port}", ""]
)
def test_a_page_from_elsewhere_that_poses_as_ours_is_refused(store: Store, host: str) -> None:
    with served(store) as browser:
        status, answer = browser.ask("/api/studies", Host=host.format(port=browser.port))
    assert status == 403
    assert "study_summaries" not in answer


def test_both_names_of_this_machine_are_ours(store: Store) -> None:
    with served(store) as browser:
        assert browser.ask("/api/studies", Host=f"localhost:{browser.port}")[0] == 200
        assert browser.ask("/api/studies", Host=f"127.0.0.1:{browser.port}")[0] == 200


def test_nobody_but_this_machine_can_reach_it(store: Store) -> None:
    with served(store) as browser:
        bound = [
            line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
        ]
        wide = [
            line.split()[1] for line in Path("/proc/net/tcp6").read_text().splitlines()[1:] if line.split()[3] == "0A"
        ]
        ours = [place.split(":")[0] for place in bound + wide if int(place.split(":")[1], 16) == browser.port]
        assert ours == ["0100007F"]  # 127.0.0.1, as the kernel writes it
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", browser.port))


def test_requests_are_not_told_on_the_terminal(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with served(store) as browser:
        browser.ask("/api/studies")
        browser.ask("/nothing")
    assert capsys.readouterr() == ("", "")


def test_a_port_that_is_taken_is_refused_with_a_way_out(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} of 127.0.0.1 cannot be used") as refused:
            dashboard(store.location, port)
    assert "--port 0" in refused.value.hint


@pytest.mark.parametrize(
    "path", [*PAGES, "/static/bundle.js", "/dashboard?token=", "/dashboard?token=x", "//x?token=y"]
)
def test_nothing_is_shown_without_the_token(store: Store, path: str) -> None:
    """Every user of a machine reaches its loopback, and the database is its owner's alone."""
    with served(store) as browser:
        mine = f"tuner-{browser.port}="
        for cookie in ("", "tuner=x", mine, f"{mine}wrong", "a=b; ;;=", "\x01"):
            browser.cookie = {"Cookie": cookie} if cookie else {}
            status, text = browser.ask(path)
            assert status == 403, cookie
            assert "study_name" not in text


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(store: Store) -> None:
    with dashboard(store.location, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            for asked, expected in (("/dashboard", "/dashboard"), ("//evil.example/x", "/evil.example/x")):
                with closing(http.client.HTTPConnection("127.0.0.1", server.server_port)) as connection:
                    connection.request("GET", f"{asked}?a=1&token={server.token}")
                    response = connection.getresponse()
                    assert response.status == 303
                    assert response.getheader("Location") == f"{expected}?a=1"
                    cookie = response.getheader("Set-Cookie") or ""
                assert "HttpOnly" in cookie
                assert "SameSite=Strict" in cookie
            assert address(server).endswith(f"/dashboard?token={server.token}")
            assert len(server.token) >= 32
        finally:
            server.shutdown()
            thread.join()
