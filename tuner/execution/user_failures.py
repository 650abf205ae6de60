"""What goes wrong with a person's objective, as failures and in words."""

import inspect
import traceback
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

from tuner.domain.errors import TunerError, circumstances, their_place
from tuner.domain.trial import Failure, FailureReason
from tuner.formatting.redaction import redacted

_HERE = Path(__file__).parent

_WANTED = "write a function that yields or reports its metrics while it trains, or returns them, such as {'loss': 0.1}"


def unfit(found: Any) -> str:
    """Return why what was found as an objective cannot be called with a trial; "" where it can, for all one sees."""
    if isinstance(found, type):
        name = found.__name__
        return f"the objective {name} is a class, and inherits neither tuner.Objective nor tuner.OwnModel; {_WANTED}"
    if isinstance(found, Generator):
        name = found.gi_code.co_name if inspect.isgenerator(found) else "the function"
        return f"the objective is a generator, what calling {name} has returned: give {name} itself, without the call"
    if not callable(found):
        return f"the objective is {_a(found)}, which cannot be called with a trial; {_WANTED}"
    call = called(found)
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        name = getattr(found, "__name__", type(found).__name__)
        return f"the objective {name} is async: write a plain function, in which asyncio.run(...) runs what is async"
    return _miscalled(found)


def called(found: Any) -> Any:
    """Return the function whose code runs when `found` is called: it, or that of its class where it is an object."""
    return found if inspect.isroutine(found) or isinstance(found, partial) else type(found).__call__


def _miscalled(found: Callable[..., Any]) -> str:
    """Return why a function cannot be called with only a trial; "" where it can, or does not say what it takes."""
    try:
        signature = inspect.signature(found)
    except ValueError:  # functions that are written in C may not say
        return ""
    try:
        signature.bind(None)
    except TypeError:
        name = getattr(found, "__name__", type(found).__name__)
        taken = signature.replace(return_annotation=signature.empty)
        return f"the objective {name}{taken} cannot be called with only a trial, as {name}(trial)"
    return ""


def unusable(returned: Any) -> Failure | None:
    """Return the failure that it is to return this; None where it may be metrics."""
    if returned is None:
        return Failure(
            reason=FailureReason.NO_METRICS,
            message="the objective returned nothing: it is to return its metrics, such as {'loss': 0.1}, or to "
            "report or yield them while it trains",
        )
    if inspect.isawaitable(returned) or inspect.isasyncgen(returned):
        if inspect.iscoroutine(returned):
            returned.close()  # or Python warns that it was never awaited
        message = f"the objective returned {_a(returned)}: asyncio.run(...) inside of it runs what is async"
        return Failure(reason=FailureReason.NO_METRICS, message=message)
    return None


def _a(thing: Any) -> str:
    kind = type(thing).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def refused(reason: FailureReason, message: str) -> Failure:
    """Return the failure that it is to report this; `message` may quote what a person's code has given."""
    return Failure(reason=reason, message=redacted(message))


def failure_of(error: BaseException) -> Failure:
    """Return the failure that an objective's exception means, without the frames that are ours."""
    frames = traceback.TracebackException.from_exception(error)
    theirs = [frame for frame in frames.stack if _HERE not in Path(frame.filename).parents]
    frames.stack = traceback.StackSummary.from_list(theirs or frames.stack)
    # torch's own error is not a MemoryError, and this file knows nothing of torch.
    is_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    innermost = f" ({frames.stack[-1].filename}:{frames.stack[-1].lineno})" if frames.stack else ""
    # What we refuse says what is wanted, and our own line says nothing more.
    last = their_place(error) or ("" if isinstance(error, TunerError) else innermost)
    return Failure(
        reason=FailureReason.OUT_OF_MEMORY if is_memory else FailureReason.RAISED,
        message=redacted(f"{type(error).__name__}: {_text(error)}{circumstances(error)}{last}"),
        traceback=redacted("".join(frames.format())),
    )


def _text(error: BaseException) -> str:
    """Return what an exception says, and ours what to do next; a person's own class may not be able to."""
    if isinstance(error, TunerError) and error.hint:
        return f"{error.message}; {error.hint}"
    try:
        return str(error)
    except Exception as another:  # noqa: BLE001 - it is user code too
        return f"(its text raises {type(another).__name__})"
