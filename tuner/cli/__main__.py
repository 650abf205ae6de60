"""Tune PyTorch models: search, stop early, resume, and get an answer."""

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from tuner import __version__
from tuner.cli._priority import priority
from tuner.domain.errors import ClusterLostError, TunerError, nearest
from tuner.registry.catalogue import Catalogue
from tuner.system.signals import lead_nowhere, leave_closed_terminal, raised_again

_COMMANDS = Catalogue("tuner.cli", "command")
_ORDER = (
    "init",
    "run",
    "resume",
    "add",
    "submit",
    "work",
    "pause",
    "stop",
    "extend",
    "limit",
    "confirm",
    "scale",
    "watch",
    "dashboard",
    "check",
    "list",
    "status",
    "best",
    "trials",
    "logs",
    "explain",
    "export",
    "predict",
    "importance",
    "report",
    "compare",
    "delete",
    "doctor",
)


class _Commands(TyperGroup):
    """The commands, each imported when it is called: listing them imports none."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(_COMMANDS.names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        listed = typer.Typer(add_completion=False)
        listed.command(cmd_name, help=_COMMANDS.summary(cmd_name))(lambda: None)
        return typer.main.get_command(listed)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            ctx.fail(f"there is no command {args[0]!r}{nearest(args[0], _COMMANDS.names)}")
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:
            return name, command, rest
        return name, _load(name), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _in_words(error)
            raise
        except ClusterLostError as error:
            _show(error)
            _end(error.exit_code)  # Python would wait for Ray's threads, and those for the head
        except TunerError as error:
            _show(error)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt as interruption:  # StudyInterrupted, too
            raise typer.Exit(getattr(interruption, "exit_code", _INTERRUPTED)) from None
        except BrokenPipeError:
            # The reader of our output has closed the pipe; stdout must not be flushed into it again at exit.
            lead_nowhere(sys.stdout.fileno())
            raise typer.Exit(0) from None


_INTERRUPTED = 130


class _Terminated(KeyboardInterrupt):
    """SIGTERM or a closed terminal, before or after the part of a run that handles it."""

    exit_code = 143


def _load(name: str) -> Any:
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, help=_COMMANDS.summary(name))(import_module(f"tuner.cli.{name}").command)
    return typer.main.get_command(single)


def _in_words(error: typer.BadParameter) -> str:
    """Return what is wrong with an option: typer says it in the words of the library that has found it."""
    cause: Any = error.__cause__
    if not hasattr(cause, "errors"):
        return error.message
    mistake = cause.errors(include_url=False)[0]
    if mistake["type"] == "value_error":
        return str(mistake["ctx"]["error"])
    words: str = import_module("tuner.spec.messages").sentence(mistake)
    return words


def _show(error: TunerError) -> None:
    import_module("tuner.cli._rendering").show_error(error)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"tuner {__version__}\n")
        raise typer.Exit


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _tuner(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Tune PyTorch models: search, stop early, resume, and get an answer.

    Begin with `tuner run digits`. `tuner COMMAND --help` says more about a command. `--install-completion` knows the
    shell that it is called from: bash, zsh or fish.
    """


def main() -> None:
    """Run the command line and exit with the code that its outcome has."""
    terminated = threading.Event()

    def terminate(number: int, _: object) -> None:
        terminated.set()
        if number == signal.SIGHUP:
            leave_closed_terminal()
        raise _Terminated

    sys.unraisablehook = raised_again(sys.unraisablehook)
    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` makes it
        signal.signal(signal.SIGHUP, terminate)
    try:
        with priority(sys.argv[1:2]):
            app(prog_name="tuner")
    except SystemExit as ending:
        if not terminated.is_set() and ending.code != _INTERRUPTED:
            raise
    except KeyboardInterrupt:  # outside of what handles it
        pass
    except Exception as bug:  # noqa: BLE001 - whatever is unexpected is our bug
        import_module("tuner.cli._crash_report").show(bug)
        sys.exit(1)
    _end(_Terminated.exit_code if terminated.is_set() else _INTERRUPTED)


def _end(code: int) -> NoReturn:
    """End with this code. By itself Python ends by SIGINT if that ever came while a string was executed."""
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no other door
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
