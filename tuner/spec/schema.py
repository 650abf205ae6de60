"""The schema of study files: pydantic models, and a JSON schema for editors, of what `StudySpec` declares.

`tuner.domain.study` declares each key once, as a field with its type, its default and a `Key`. From it comes how study
files are read (`study_model`), what editors know of them (`json_schema`) and what the template says (`keys_of`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from dataclasses import Field as DataclassField
from functools import cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, final, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
    create_model,
)
from pydantic.config import JsonDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from tuner.domain.command import Command
from tuner.domain.constraint import Constraint
from tuner.domain.key import Key, Unit
from tuner.domain.objective import Objective
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Component, Direction, StudySpec, as_component, as_tuples
from tuner.registry.catalogue import Catalogue
from tuner.spec.units import (
    DURATION_PATTERN,
    NONE,
    SIZE_PATTERN,
    duration_text,
    parse_duration,
    parse_size,
    size_text,
)

Made = TypeVar("Made")

_PARSERS = {Unit.SECONDS: parse_duration, Unit.BYTES: parse_size}
_PATTERNS = {Unit.SECONDS: DURATION_PATTERN, Unit.BYTES: SIZE_PATTERN}
_EITHER = (("objective", "command"), ("metric", "metrics"))
"""Keys of which a study file has to have one."""

_STRICT = ConfigDict(extra="forbid", strict=True)


@final
@dataclass(frozen=True, slots=True)
class DeclaredKey:
    """A key of a section: what study files call it, its field in Python, and what is declared about it."""

    name: str
    field: DataclassField[Any]
    kind: Any
    key: Key

    @property
    def section(self) -> type | None:
        """The dataclass of a section whose keys are all known; None for a single value and for a component."""
        return self.kind if isinstance(self.kind, type) and is_dataclass(self.kind) else None

    @property
    def is_required(self) -> bool:
        """Whether there is no default."""
        return self.field.default is MISSING and self.field.default_factory is MISSING

    @property
    def default(self) -> Any:
        """The default; None where there is none."""
        if self.field.default_factory is not MISSING:
            return self.field.default_factory()
        return None if self.field.default is MISSING else self.field.default


@cache
def keys_of(section: type) -> tuple[DeclaredKey, ...]:
    """Return the keys that `StudySpec`, or the dataclass of one of its sections, declares."""
    hints = get_type_hints(section, include_extras=True)
    declared = []
    for field in fields(section):
        kind, key = get_args(hints[field.name])
        declared.append(DeclaredKey(key.name or field.name, field, kind, key))
    return tuple(declared)


def sections(of: type = StudySpec) -> Mapping[str, type]:
    """Return the dataclasses of the sections whose keys are all known, by their names in study files."""
    return {key.name: key.section for key in keys_of(of) if key.section is not None}


def known_keys(path: Sequence[str]) -> list[str]:
    """Return the names of the keys that there are in the section at this path; the top level has an empty one."""
    section: type = StudySpec
    for name in path:
        section = sections(section)[name]
    return [key.name for key in keys_of(section)]


def renamed_keys() -> dict[str, str]:
    """Return the paths that specs have in Python, by the key paths of study files, where they are not the same."""
    return {
        f"{name}.{key.name}": f"{name}.{key.field.name}"
        for name, section in sections().items()
        for key in keys_of(section)
        if key.name != key.field.name
    }


@cache
def study_model() -> type[BaseModel]:
    """Return the model that reads the content of a study file; `spec_of` makes the spec of what it has read."""
    return section_model(StudySpec)


def spec_of(read: BaseModel) -> StudySpec:
    """Return the spec that the model has read; raises `ConfigurationError` where the metrics make no sense together."""
    return _made(StudySpec, read)


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of study files, by which editors complete and check them."""
    schema = study_model().model_json_schema(schema_generator=_ForEditors)
    either = [{"anyOf": [{"required": [one]}, {"required": [other]}]} for one, other in _EITHER]
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": "A study file of tuner", "allOf": either}


def as_written(value: Any, unit: Unit | None) -> Any:
    """Return the value of a key as a study file says it: with its unit, and with a word for no limit."""
    if unit is None:
        return value
    return NONE if value is None else duration_text(value) if unit is Unit.SECONDS else size_text(value)


def section_model(section: type) -> type[BaseModel]:
    """Return the model that reads the keys that a dataclass declares."""
    read: dict[str, Any] = {key.name: (_read_as(key), _described(key)) for key in keys_of(section)}
    return create_model(section.__name__, __config__=_STRICT, **read)


def _made(section: type[Made], read: BaseModel) -> Made:
    """Return the dataclass with what its model has read."""
    declared: type = section
    return section(**as_tuples({key.field.name: getattr(read, key.name) for key in keys_of(declared)}))


def _described(key: DeclaredKey) -> Any:
    if key.is_required:
        return Field(description=key.key.words)
    shown = as_written(key.default, key.key.unit)
    says: JsonDict = {"default": shown} if isinstance(shown, str | int | float) and shown != "" else {}
    return Field(default_factory=lambda: key.default, description=key.key.words, json_schema_extra=says)


def _read_as(key: DeclaredKey) -> Any:
    """Return the type by which pydantic reads the key."""
    if key.section is not None:
        return Annotated[section_model(key.section), AfterValidator(partial(_made, key.section))]
    if key.key.members:
        return _component(key)
    if key.key.unit is not None:
        return _quantity(key.kind, key.key.unit)
    if key.kind in _READ_AS:
        return _READ_AS[key.kind]
    return _plain(key)


def _plain(key: DeclaredKey) -> Any:
    """Return the type of a value, or of one of several kinds: a number within its limits, a word, or None."""
    is_union = isinstance(key.kind, UnionType) or get_origin(key.kind) is Union
    bounded = {kind: _bounded(kind, key.key) for kind in (get_args(key.kind) if is_union else (key.kind,))}
    said = [kind for kind in bounded if kind is not NoneType]
    either: Any = Union[*bounded.values()]
    if key.key.can_be_none:
        return _or_none(either, said[0], key.key)
    return either if len(said) == 1 else Annotated[either, WrapValidator(partial(_one_of, _in_words(said, key.key)))]


def _or_none(optional: Any, kind: Any, key: Key) -> Any:
    """Return the type of a number, or the word for none."""
    number = {"type": "integer" if kind is int else "number"} | ({} if key.least is None else {"minimum": key.least})
    schema = WithJsonSchema({"anyOf": [number, {"const": NONE}]})
    return Annotated[optional, BeforeValidator(lambda value: None if value == NONE else value), schema]


def _bounded(kind: Any, key: Key) -> Any:
    return Annotated[kind, Field(ge=key.least, gt=key.above)] if kind in (int, float) else kind


def _one_of(words: str, value: object, read: Callable[[object], object]) -> object:
    try:
        return read(value)
    except ValidationError:
        raise ValueError(f"is neither {words}") from None


def _in_words(kinds: Sequence[Any], key: Key) -> str:
    """Return which values a key may have, as in "neither a whole number above 0 nor 'auto'"."""
    number = "a whole number" + ("" if key.least is None else f" above {key.least - 1}")
    names = {int: number, float: "a number", bool: "true, false", str: "text"}
    *first, last = (names.get(kind) or " nor ".join(map(repr, get_args(kind))) for kind in kinds)
    return f"{', '.join(first)} nor {last}"


def _quantity(kind: Any, unit: Unit) -> Any:
    """Return the type of a duration or a size: a number above 0, text with a unit, or the word for no limit."""
    number = {"type": "number" if unit is Unit.SECONDS else "integer", "exclusiveMinimum": 0}
    text = {"type": "string", "pattern": f"^({_PATTERNS[unit]}|{NONE})$"}

    def parse(value: object) -> object:
        return None if value == NONE else _PARSERS[unit](value)

    schema = WithJsonSchema({"anyOf": [number, text]})
    return Annotated[kind, Field(gt=0), BeforeValidator(parse), schema]


def _component(key: DeclaredKey) -> Any:
    """Return the type of a section with a name and options, which may be only the name."""
    default = as_component(key.default).name
    table = create_model(key.name, __config__=ConfigDict(extra="allow", strict=True), name=(str, default))
    name = {"anyOf": [{"enum": [*member_names(key)]}, {"type": "string"}]}
    schema = {"anyOf": [name, {"type": "object", "properties": {"name": name}}]}

    def named(value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    def made(read: BaseModel) -> Component:
        return Component(name=read.name, options=read.model_extra or {})  # type: ignore[attr-defined]

    return Annotated[table, AfterValidator(made), BeforeValidator(named), WithJsonSchema(schema)]


def member_names(key: DeclaredKey) -> tuple[str, ...]:
    """Return the names that a component may have, without those of a person's own modules."""
    return Catalogue(key.key.members, key.name).names


def _objective(value: object) -> object:
    if isinstance(value, Objective):
        kind = type(value).__name__
        raise ValueError(f"is an object of the class {kind}; give the class: objective={kind}")  # noqa: TRY004 - pydantic's way
    if isinstance(value, str | Command) or callable(value):
        return value
    raise ValueError("is neither the name of an objective nor a function")


def _words(value: object) -> object:
    return [*Command.split(value)] if isinstance(value, str) else value


def _search_space(value: object) -> object:
    if isinstance(value, str | SearchSpace):
        return value
    raise ValueError("is neither the name of a search space nor a SearchSpace")


def _one_or_more(kind: Any, schema: JsonSchemaValue) -> Any:
    """Return the type of a list, of which a single value may be given as it is."""

    def listed(value: object) -> object:
        return [value] if isinstance(value, str) else value

    either = WithJsonSchema({"anyOf": [schema, {"type": "array", "items": schema}]})
    return Annotated[list[kind], BeforeValidator(listed), either]


_TEXT = {"type": "string"}
_TEXT_OR_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_DIRECTIONS = {"enum": [each.value for each in Direction]}
_DIRECTION = Annotated[Direction, Field(strict=False), WithJsonSchema(_DIRECTIONS)]

_READ_AS: Mapping[Any, Any] = {
    str | Callable[..., Any] | Command: Annotated[Any, AfterValidator(_objective), WithJsonSchema(_TEXT)],
    str | Sequence[str]: Annotated[list[str], BeforeValidator(_words), WithJsonSchema(_TEXT_OR_TEXTS)],
    str | SearchSpace: Annotated[Any, AfterValidator(_search_space), WithJsonSchema(_TEXT)],
    Direction | str | None: _DIRECTION | None,
    Sequence[Direction | str]: _one_or_more(_DIRECTION, _DIRECTIONS),
    Sequence[Constraint | str]: _one_or_more(str, _TEXT),
    Sequence[str]: _one_or_more(str, _TEXT),
    Sequence[Mapping[str, Any]]: list[dict[str, Any]],
    Sequence[int]: list[int],
    Mapping[str, Any]: dict[str, Any],
}
"""How a study file says what specs have as objects; other types are read as they are."""


@final
class _ForEditors(GenerateJsonSchema):
    """Leaves out what TOML cannot say, null, and titles, which are the keys again."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: object) -> bool:
        return False
