"""optuna-dashboard, read-only and only for this machine.

It has write routes and no authentication. Here three things stand in their way, each of them enough: only GET and HEAD
come through, the storage behind it is opened read-only, and it listens on loopback. A page from elsewhere that a
browser was led to take for ours (DNS rebinding) is recognised by the host it asks for. Other users of this machine
reach loopback too: every request needs a token, from the address that the command prints, and then from a cookie.
"""

import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from socketserver import ThreadingMixIn
from typing import Any, final
from urllib.parse import parse_qsl, quote, urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from optuna_dashboard import wsgi

from tuner.domain.errors import ConfigurationError
from tuner.storage.location import Location
from tuner.storage.read_only import optuna_view

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
_METHODS = ("GET", "HEAD")
_TOKEN = "token"  # noqa: S105 - what it is called in the address


@final
class Guard:
    """Lets through to `app` what only looks, asked for by one of these hosts' names and with the token.

    The token comes in the address once, and is answered with a cookie of this name and the address without it.
    """

    def __init__(self, app: WSGIApplication, hosts: Iterable[str], token: str, cookie: str) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._token = token
        self._cookie = cookie

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_HOST") not in self._hosts:
            return _refused(start_response, "403 Forbidden", "this page is for the machine it runs on")
        if environ["REQUEST_METHOD"] not in _METHODS:
            return _refused(start_response, "405 Method Not Allowed", "studies can only be looked at here")
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if any(name == _TOKEN and self._is_token(value) for name, value in query):
            return self._welcomed(start_response, environ.get("PATH_INFO", "/"), query)
        if not self._is_token(self._sent(environ)):
            return _refused(start_response, "403 Forbidden", "open the address that tuner dashboard has printed")
        return self._app(environ, start_response)

    def _welcomed(self, start: StartResponse, path: str, query: Iterable[tuple[str, str]]) -> Iterable[bytes]:
        rest = urlencode([(name, value) for name, value in query if name != _TOKEN])
        kept = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        # One slash: two would be another host.
        where = f"/{quote(path.lstrip('/'))}{f'?{rest}' if rest else ''}"
        start("303 See Other", [("Location", where), ("Set-Cookie", kept), ("Referrer-Policy", "no-referrer")])
        return [b""]

    def _sent(self, environ: WSGIEnvironment) -> str:
        try:
            found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(errors="replace"), self._token.encode())


def _refused(start_response: StartResponse, status: str, reason: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json"), ("Allow", ", ".join(_METHODS))])
    return [f'{{"reason": "{reason}"}}'.encode()]


@final
class _Server(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread of its own: a browser keeps some open."""

    daemon_threads = True
    token = ""
    """What a request has to bring."""


@final
class _Quiet(WSGIRequestHandler):
    """Logs no request."""

    def log_message(self, *_: Any) -> None:
        pass


def dashboard(location: Location, port: int) -> "_Server":
    """Return the server of a dashboard of the studies at `location`, bound and ready for `serve_forever`.

    With port 0 any free one is taken. Raises `ConfigurationError` where the port is taken.
    """
    app = wsgi(optuna_view(location))
    try:
        server = make_server(HOST, port, app, server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(
            f"port {port} of {HOST} cannot be used: {reason}", hint="--port 0 takes any that is free"
        ) from error
    server.token = secrets.token_urlsafe(24)
    hosts = (f"{name}:{server.server_port}" for name in _NAMES)
    # A browser sends a cookie to every port of a host: each of them needs a name of its own.
    server.set_app(Guard(app, hosts, server.token, f"tuner-{server.server_port}"))
    return server


def address(server: "_Server") -> str:
    """Return the address to open in a browser, with the token."""
    return f"http://{HOST}:{server.server_port}/dashboard?{_TOKEN}={server.token}"
