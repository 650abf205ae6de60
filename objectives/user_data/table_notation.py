"""Conventions of one table, which resolve ambiguous cells: from its settings, or from its other columns."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, final

import pandas as pd

from tuner.objectives.user_data.cell_formats import MISSING_NUMBERS, MISSING_TEXT, as_text, formats_of, gaps_in, is_text
from tuner.objectives.user_data.number_formats import NOTATIONS, PLAIN, Writing, groups_nothing, writings_of
from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.table_reader import SEPARATOR

_SAMPLED = 1000
_LISTED = 5


@final
class Conventions:
    """Chooses between the meanings that a column's texts can have, and keeps notes of what was assumed."""

    def __init__(self, frame: Any, options: DataOptions) -> None:
        self._frame = frame
        self._options = options
        self._notes: list[str] = []
        self._gaps: dict[str, list[str]] = {}
        given = options.missing
        self.missing = None if given is None else ("", *(word.lower() for word in given if word))

    def gaps_among(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the words for a gap: those of the settings, or else these."""
        return tuple(words) if self.missing is None else self.missing

    def note(self, text: str) -> None:
        """Keep a note."""
        self._notes.append(text)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed."""
        return (*dict.fromkeys(self._notes), *self._notes_on_gaps())

    def note_gaps(self, name: str, text: Any, gaps: Any) -> None:
        """Keep in mind which words of a column were taken for gaps; those of the settings are no assumption."""
        if self.missing is None:
            for word in text[gaps & (text != "").to_numpy(dtype=bool, na_value=False)].dropna().unique():
                self._gaps.setdefault(str(word), []).append(name)

    def _notes_on_gaps(self) -> Iterator[str]:
        for word, names in self._gaps.items():
            columns = f"column{'s' if len(names) > 1 else ''} {', '.join(map(repr, names[:_LISTED]))}"
            more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            yield (
                f"{word!r} in {columns}{more} is taken for a gap; `missing = [...]` in [settings] names "
                "the words that are, and no others"
            )

    def has_writing(self, words: Any) -> bool:
        """Whether all of these texts are numbers."""
        return bool(self._writings(words))

    def writing_of(self, words: Any, name: str) -> Writing | None:
        """Return how all of these texts are numbers; None where one is none."""
        found = self._writings(words)
        if not found:
            return None
        chosen = found[0] if len(found) == 1 else self._chosen(found, words, name)
        self._note_writing(chosen, words, name)
        return chosen

    def _writings(self, words: Any) -> tuple[Writing, ...]:
        found = writings_of(words)
        wanted = self._options.decimal
        if wanted is not None:
            if len(found) == 1 and _needs(found[0], words) not in {None, wanted}:
                return ()
            found = tuple(each for each in found if _point(each) == wanted) or found
        return found

    def _chosen(self, found: Sequence[Writing], words: Any, name: str) -> Writing:
        """Return one of two writings, in which the same mark groups digits or is the decimal mark."""
        if groups_nothing(words):
            point, why = next(_point(each) for each in found if not _groups(each)), "other numbers are not grouped"
        else:
            point, why = self._decimal
        chosen, other = sorted(found, key=lambda each: _point(each) != point)
        marked = words[words.str.contains(r"[0-9][.,][0-9]")]
        whole = bool((~words.str.contains(".", regex=False) & ~words.str.contains(",", regex=False)).any())
        if _groups(chosen) or whole or why != _BY_OTHERS:
            example = marked.head(1)
            read, instead = (f"{each.numbers(example)[0]:g}" for each in (chosen, other))
            self.note(
                f"column {name!r}: {example.iloc[0]!r} is read as {read}, since {why}; "
                f'decimal = "{_point(other)}" in [settings] reads it as {instead}'
            )
        return chosen

    def _note_writing(self, writing: Writing, words: Any, name: str) -> None:
        if writing.unit or writing.parentheses:
            example = words[words.str.contains("(", regex=False)] if writing.parentheses else words
            value = f"{writing.numbers(example.head(1))[0]:.15g}"
            self.note(
                f"column {name!r}: {example.iloc[0]!r} is read as the number {value}; "
                f'[settings.columns] {name} = "category" keeps it as a word'
            )

    @cached_property
    def _decimal(self) -> tuple[str, str]:
        """The decimal mark of the table, and the reason for it."""
        marks: set[str] = set()
        for name in self._frame.columns:
            column = self._frame[name]
            if is_text(column):
                words = self._sample(column, MISSING_NUMBERS)
                found = writings_of(words) if len(words) else ()
                if len(found) == 1 and (mark := _needs(found[0], words)) is not None:
                    marks.add(mark)
        if len(marks) == 1:
            return marks.pop(), _BY_OTHERS
        separator = self._frame.attrs.get(SEPARATOR)
        if separator == ";":
            return ",", "a file with semicolons mostly has decimal commas"
        return ".", "a decimal point is the most common"

    def format_of(self, words: Any, name: str) -> str | None:
        """Return how all of these texts are dates; None where one is none."""
        found = formats_of(words)
        if not found:
            return None
        chosen, *others = found
        if others and (self._options.day_first if self._options.day_first is not None else self._day_first):
            (chosen,) = others
        if others and self._options.day_first is None:
            first, other = ("day", "false") if chosen.startswith("%d") else ("month", "true")
            self.note(
                f"column {name!r}: {words.iloc[0]!r} is read with the {first} first, as the column is ambiguous; "
                f"day_first = {other} in [settings] reads it the other way round"
            )
        if "%y" in chosen:
            self.note(f"column {name!r}: years of two digits, as in {words.iloc[0]!r}, are those from 1969 to 2068")
        zoned = words.str.fullmatch(r".*[0-9](?:Z|[+-][0-9]{2}:?[0-9]{2})").mean() if ":" in str(words.iloc[0]) else 0
        if 0 < zoned < 1:
            self.note(f"column {name!r}: some of its times have a zone, and those that have none are taken for UTC")
        return chosen

    @cached_property
    def _day_first(self) -> bool | None:
        """Whether the table's dates that are unambiguous have the day first; None where there are none."""
        known: set[bool] = set()
        for name in self._frame.columns:
            column = self._frame[name]
            if is_text(column):
                words = self._sample(column, MISSING_NUMBERS)
                found = formats_of(words) if len(words) else ()
                if len(found) == 1 and found[0][:2] in {"%d", "%m"} and found[0][3:5] in {"%d", "%m"}:
                    known.add(found[0].startswith("%d"))
        return known.pop() if len(known) == 1 else None

    def _sample(self, column: Any, missing: Sequence[str]) -> Any:
        text = as_text(column.drop_duplicates().head(_SAMPLED))
        return pd.Series(text[~gaps_in(text, self.gaps_among(missing))].unique(), dtype="str")

    def note_words(self, name: str, words: Any) -> None:
        """Keep a note on words that say nothing among numbers, and are taken for words here."""
        if self.missing is not None:
            return
        doubtful = [word for word in words[words.str.lower().isin(MISSING_NUMBERS)] if word.lower() not in MISSING_TEXT]
        if doubtful:
            self.note(
                f"column {name!r}: {', '.join(map(repr, doubtful))} is taken for a word like its others; "
                f"missing = [{', '.join(map(_quoted, doubtful))}] in [settings] takes it for a gap"
            )


_BY_OTHERS = "the table's other columns have that decimal mark"


def _quoted(word: str) -> str:
    return f'"{word}"'


def _point(writing: Writing) -> str:
    return NOTATIONS[writing.notation][2]


def _groups(writing: Writing) -> bool:
    return NOTATIONS[writing.notation][1] != ""


def _needs(writing: Writing, words: Any) -> str | None:
    """Return the decimal mark that the texts have, or that the mark between their digits leaves; None where none."""
    if writing.notation == PLAIN:
        return "." if words.str.contains(r"[0-9]?\.[0-9]").any() else None
    return _point(writing) if words.str.contains(r"[0-9][.,][0-9]").any() else None
