"""Everything that can go wrong, as one tree; the class decides the exit code.

```text
TunerError                   1  our bug unless a subclass says otherwise
├── ConfigurationError       2  the input is wrong: nothing was written, fix it and run again
│   ├── SearchSpaceError         the space itself is wrong
│   ├── UnknownNameError         an unknown name, with the nearest one that exists
│   ├── UntrustedCodeError       a stored study would run code from elsewhere that was not trusted
│   ├── NoTrialError             a trial was asked for where none is: outside of one, or in a child of its process
│   ├── StudyExistsError         the name is taken: resume it or choose another
│   └── StudyNotFoundError       no study of that name (also a KeyError)
├── OwnCodeError             2  a sampler, scheduler or executor of a person's own failed: correct it and resume
├── NoUsableTrialError       3  trials ran, none can be used: the reasons are in the study
│   └── TooManyFailuresError     the study was ended early, more of the same would be a waste
├── StorageError             4  the database cannot be read or written; nothing recorded is lost
├── ClusterError             4  the Ray cluster cannot be joined
│   └── ClusterLostError         its head is gone; nothing recorded is lost
├── ModelError               4  a model's files are missing or damaged
├── ResumeRefusedError       5  the study file no longer says what the study was started with
├── StudyHeldError           5  another process runs the study
└── LeaseLostError           5  another process took the study over from this one
StopTrial                       raised where a trial reports and is to end (a BaseException)
StudyInterrupted       130 143  a signal ended the run after saving it; resuming continues it (a KeyboardInterrupt)
```
"""

import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TypeVar, final

Part = TypeVar("Part")

_KEYED = re.compile(r"(?:[^:]+: )?(?P<path>[A-Za-z_][\w.]*): (?P<rest>.+)", re.DOTALL)
_UNKNOWN = re.compile(r"(?:[^:]+: )?unknown key '(?P<key>[^']+)'(?: in \[(?P<section>\w+)\])?(?P<rest>.*)", re.DOTALL)

_NOBODYS = frozenset({"tuner", "torch", "numpy", *sys.stdlib_module_names})
"""The packages in which an exception is raised but its cause does not lie."""


class TunerError(Exception):
    """Any failure of ours: a message that says what happened and a hint that says what to do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type["TunerError"], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class ConfigurationError(TunerError):
    """The input is wrong; nothing was written. All mistakes are carried at once in `problems`."""

    exit_code = 2

    def __init__(self, problems: str | Iterable[str], hint: str = "") -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems), hint)

    def say_as(self, words: Mapping[str, str]) -> None:
        """Name keys of the study file as a person has given them elsewhere: by an option, an argument."""
        self.problems = tuple(restated(problem, words) for problem in self.problems)
        self.message = "\n".join(self.problems)
        self.args = (self.message,)


class SearchSpaceError(ConfigurationError):
    """A search space that cannot be searched: each problem names the parameter's path."""


class UnknownNameError(ConfigurationError):
    """A name that no catalogue member has."""


class UntrustedCodeError(ConfigurationError):
    """A stored study names code that lies elsewhere than in the working directory: nothing of it was run."""


class NoTrialError(ConfigurationError):
    """A trial was asked for in a process that is none's."""


class StudyExistsError(ConfigurationError):
    """A new study was asked for under a name that is taken."""


class StudyNotFoundError(ConfigurationError, KeyError):
    """The storage holds no study of that name."""


class OwnCodeError(TunerError):
    """A sampler, scheduler or executor that does not ship with tuner raised an exception during a run."""

    exit_code = 2


class NoUsableTrialError(TunerError):
    """No trial completed, so there is no best one."""

    exit_code = 3


class TooManyFailuresError(NoUsableTrialError):
    """So many trials failed that the study was ended before its target."""


class StorageError(TunerError):
    """The database cannot be reached, read or written; `may_pass` says that waiting may help."""

    exit_code = 4

    def __init__(self, message: str, hint: str = "", *, may_pass: bool = False) -> None:
        super().__init__(message, hint)
        self.may_pass = may_pass


class ClusterError(TunerError):
    """The Ray cluster that a study is to run on cannot be joined."""

    exit_code = 4


class ClusterLostError(ClusterError):
    """The head of the cluster that a study runs on is gone. Threads of Ray's may wait for it as long as they live."""


class ModelError(TunerError):
    """The weights of a trial, or a file of an exported model, are missing or damaged."""

    exit_code = 4


class ResumeRefusedError(TunerError):
    """What the study was started with has changed, so old and new trials could not be compared."""

    exit_code = 5


class StudyHeldError(TunerError):
    """Another process runs the study."""

    exit_code = 5


class LeaseLostError(TunerError):
    """Another process has taken the study over: what this one still measures does not count."""

    exit_code = 5


class StopTrial(BaseException):
    """The study wants the trial that has just reported to end.

    Not an `Exception`: training frameworks catch those, and no `except Exception` may keep the trial going.
    """


class StopStudy(Exception):  # noqa: N818 - a wish, as StopTrial and StopIteration are
    """Raised by a `Callback` that wants the study to end; what was recorded is stored, and it can be resumed."""


class StudyInterrupted(KeyboardInterrupt):
    """A signal ended the run; what was running is stored and continues when the study is resumed.

    Not a `TunerError`: it is the person's wish, and like any KeyboardInterrupt no `except Exception` may swallow it.
    """

    def __init__(self, study_name: str, exit_code: int) -> None:
        super().__init__(f"study {study_name!r} was interrupted")
        self.study_name = study_name
        self.exit_code = exit_code


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " did you mean 'x'?" for the known name closest to `name`, or an empty string.

    >>> nearest("tpee", ["random", "tpe"])
    "; did you mean 'tpe'?"
    >>> nearest("zzz", ["random", "tpe"])
    ''
    """
    matches = get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def their_place(error: BaseException) -> str:
    """Return the file and line of a person's code that an exception came through last, in brackets; "" without any."""
    frames = [*traceback.walk_tb(error.__traceback__)]
    theirs = [(frame, line) for frame, line in frames if _package(frame.f_globals) not in _NOBODYS]
    if not theirs:
        return ""
    frame, line = theirs[-1]
    return f" ({frame.f_code.co_filename}:{line})"


def described(error: BaseException) -> str:
    """Return in one line what a person's code has raised, and where."""
    message = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {message}{circumstances(error)}{their_place(error)}"


def circumstances(error: BaseException) -> str:
    """Return what was noted about an exception on its way, in one line; "" where nothing was."""
    notes = getattr(error, "__notes__", ())
    return "".join(f", {str(note).strip().partition(chr(10))[0]}" for note in notes)


def _package(of_module: dict[str, object]) -> str:
    return str(of_module.get("__name__") or "").partition(".")[0]


@contextmanager
def said_as(words: Mapping[str, str]) -> Iterator[None]:
    """Let mistakes in the block name keys of the study file, the keys of `words`, as a person has given them."""
    try:
        yield
    except ConfigurationError as error:
        error.say_as(words)
        raise


def restated(problem: str, words: Mapping[str, str]) -> str:
    """Return the problem with the key that it is about as `words` have it, and the file it would be in left out."""
    if keyed := _KEYED.fullmatch(problem):
        path = keyed["path"]
        given = next((each for each in (path, *_parents(path)) if each in words), None)
        if given is not None:
            return f"{words[given]}{path.removeprefix(given)}: {keyed['rest']}"
    if unknown := _UNKNOWN.fullmatch(problem):
        path = ".".join(filter(None, (unknown["section"], unknown["key"])))
        return f"{words[path]}: unknown key {unknown['key']!r}{unknown['rest']}" if path in words else problem
    return problem


def _parents(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


@final
class Mistakes:
    """Collects what is wrong, so that a person sees all of it at once."""

    def __init__(self) -> None:
        self._errors: list[ConfigurationError] = []
        self._distrusted: tuple[str, ...] = ()

    def collect(self, make: Callable[[], Part]) -> Part | None:
        """Return what `make` makes, None where that is a mistake."""
        try:
            return make()
        except ConfigurationError as error:
            problems = [problem for problem in error.problems if self._is_news(problem)]
            if len(problems) == len(error.problems):
                self._errors.append(error)
            elif problems:
                self._errors.append(ConfigurationError(problems, hint=error.hint))
            return None

    def add(self, problems: Iterable[str]) -> None:
        """Add further mistakes."""
        if news := [problem for problem in problems if self._is_news(problem)]:
            self._errors.append(ConfigurationError(news))

    def distrust(self, keys: Iterable[str]) -> None:
        """Ignore from now on what is said of these keys: defaults have taken the place of their mistakes."""
        self._distrusted += tuple(keys)

    @property
    def has_any(self) -> bool:
        """Whether anything is wrong so far."""
        return bool(self._errors)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong so far."""
        return tuple(problem for error in self._errors for problem in error.problems)

    def raise_all(self) -> None:
        """Raise one error with every mistake; a single one keeps its class and its hint."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            hints = dict.fromkeys(error.hint for error in self._errors if error.hint)
            raise ConfigurationError(self.problems, hint="\n".join(hints))

    def _is_news(self, problem: str) -> bool:
        about = any(re.search(rf"\b{re.escape(key)}\b", problem) for key in self._distrusted)
        return not about and problem not in self.problems
