"""optuna-dashboard, for this machine alone and for looking only.

It has routes that change studies, and asks nobody who he is. Here three things stand in their way, each of them enough:
only GET and HEAD come through, the storage behind it is opened read-only, and it listens on loopback. A page from
elsewhere that a browser was led to take for ours (DNS rebinding) is told apart by the host it asks for.
"""

from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any, final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from optuna_dashboard import wsgi

from tuner.domain.errors import ConfigurationError
from tuner.storage.location import Location
from tuner.storage.optuna_view import optuna_view

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
_METHODS = ("GET", "HEAD")


@final
class Guard:
    """Lets through to `app` what only looks, and only where it was asked for by one of these hosts' names."""

    def __init__(self, app: WSGIApplication, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_HOST") not in self._hosts:
            return _refused(start_response, "403 Forbidden", "this page is for the machine it runs on")
        if environ["REQUEST_METHOD"] not in _METHODS:
            return _refused(start_response, "405 Method Not Allowed", "studies can only be looked at here")
        return self._app(environ, start_response)


def _refused(start_response: StartResponse, status: str, reason: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json"), ("Allow", ", ".join(_METHODS))])
    return [f'{{"reason": "{reason}"}}'.encode()]


@final
class _Server(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread of its own: a browser keeps some open."""

    daemon_threads = True


@final
class _Quiet(WSGIRequestHandler):
    """Tells of no request."""

    def log_message(self, *_: Any) -> None:
        pass


def dashboard(location: Location, port: int) -> WSGIServer:
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
    server.set_app(Guard(app, (f"{name}:{server.server_port}" for name in _NAMES)))
    return server


def address(server: WSGIServer) -> str:
    """Return the address to open in a browser."""
    return f"http://{HOST}:{server.server_port}/dashboard"
