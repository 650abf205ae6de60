"""Files as people have them, each with the truth that it was written from, so that any misreading shows.

`FILES` has them by name. A file's column `x` was written from `truth`, a number, a day or a word a row, None for a
gap; where there is no truth, the file is none that can be read, and is refused with what `told` says.
"""

import csv
import datetime as dt
import gzip
import io
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd

ROWS = 48
BAD = 17
"""The row in which a cell is replaced; its line in the file is two more."""

Truth = float | str | dt.date | None
Write = Callable[[float], str]


@final
@dataclass(frozen=True, kw_only=True)
class Nasty:
    """A file: its contents, the truth of its column `x`, and what has to be told of it where something is assumed.

    `outcomes` says what may become of it: "read" as the truth, "noted" (read in any way, with a note that names the
    column), "refused" (with the line and the column).
    """

    contents: bytes
    name: str = "t.csv"
    truth: Sequence[Truth] | None = None
    outcomes: frozenset[str] = frozenset({"read"})
    told: str = ""


def values(seed: int = 0) -> list[float]:
    """Return amounts of one to seven digits and two decimals, some of them negative."""
    numbers = random.Random(seed)
    return [round(numbers.choice([1, -1]) * 10 ** numbers.uniform(0.1, 6) + 0.01, 2) for _ in range(ROWS)]


def _swapped(text: str, marks: Mapping[str, str]) -> str:
    return text.translate(str.maketrans("".join(marks), "".join(marks.values())))


EUROPEAN = {",": ".", ".": ","}


def _lakh(value: float) -> str:
    whole, _, decimals = f"{abs(value):.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    while head:
        head, tail = head[:-2], f"{head[-2:]},{tail}"
    return f"{'-' if value < 0 else ''}{tail}.{decimals}"


WRITINGS: Mapping[str, Write] = {
    "plain": lambda value: f"{value:.2f}",
    "exponents": lambda value: f"{value:.12e}",
    "signs": lambda value: f"{value:+.2f}",
    "commas group": lambda value: f"{value:,.2f}",
    "commas are decimal": lambda value: _swapped(f"{value:.2f}", {".": ","}),
    "points group": lambda value: _swapped(f"{value:,.2f}", EUROPEAN),
    "spaces group": lambda value: _swapped(f"{value:,.2f}", {",": " "}),
    "spaces group commas": lambda value: _swapped(f"{value:,.2f}", {",": " ", ".": ","}),
    "no-break spaces group": lambda value: _swapped(f"{value:,.2f}", {",": "\xa0", ".": ","}),
    "thin spaces group": lambda value: _swapped(f"{value:,.2f}", {",": "\u202f", ".": ","}),
    "apostrophes group": lambda value: _swapped(f"{value:,.2f}", {",": "'"}),
    "quotation marks group": lambda value: _swapped(f"{value:,.2f}", {",": "\u2019"}),
    "lakh": _lakh,
    "dollars": lambda value: f"{'-' if value < 0 else ''}${abs(value):,.2f}",
    "dollars inside": lambda value: f"${value:,.2f}",
    "euros": lambda value: _swapped(f"{value:,.2f}", EUROPEAN) + " \u20ac",
    "euros first": lambda value: "\u20ac " + _swapped(f"{value:,.2f}", EUROPEAN),
    "codes": lambda value: f"USD {value:.2f}",
    "percent": lambda value: f"{value:.2f}%",
    "percent apart": lambda value: f"{value:.2f} %",
    "kilograms": lambda value: f"{value:.2f} kg",
    "degrees": lambda value: f"{value:.2f}\u00b0C",
    "accounts": lambda value: f"({-value:.2f})" if value < 0 else f"{value:.2f}",
    "accounts in dollars": lambda value: f"(${-value:,.2f})" if value < 0 else f"${value:,.2f}",
    "minus signs": lambda value: f"{value:.2f}".replace("-", "\u2212"),
    "full width": lambda value: _shifted(f"{value:.2f}", 0xFF10).replace("-", "\uff0d").replace(".", "\uff0e"),
    "arabic": lambda value: _shifted(f"{value:.2f}", 0x660).replace(".", "\u066b"),
    "spaces around": lambda value: f"  {value:.2f} ",
}
"""How the same numbers are written, by names."""


def _shifted(text: str, zero: int) -> str:
    return "".join(chr(zero + int(sign)) if sign.isdecimal() else sign for sign in text)


MISTAKES = (
    "12.3 (est)",
    "0x1F",
    "1_000",
    "12..5",
    "1,2,3",
    "7;5",
    "see note",
    "1e",
    "12-13",
    "(12",
    "\u00bd",
    "5\u00b2",
    "1.5.2",
    "+-3",
    "inf",
    "1e999",
    "~7",
    "<5",
    "12 apples",
    "#REF!",
    "O.5",
    "3 4",
)
"""Cells that are no number among numbers; what they mean nobody can tell."""

GAPS = ("", "NA", "n/a", "NaN", "null", "None", "-", "--", "?", "missing", "#N/A", "<NA>", " ")

BROKEN = {"plain": "7,5", "commas group": "7,5", "commas are decimal": "7.5", "points group": "7.5", "percent": "7.5"}
"""A cell in another notation than the others of its column."""

DATES: Mapping[str, Callable[[dt.date], str]] = {
    "ISO": lambda day: day.isoformat(),
    "ISO with a time": lambda day: f"{day.isoformat()}T00:00:00",
    "ISO in UTC": lambda day: f"{day.isoformat()}T00:00:00Z",
    "ISO with a zone": lambda day: f"{day.isoformat()}T02:00:00+02:00",
    "points": lambda day: day.strftime("%d.%m.%Y"),
    "slashes": lambda day: day.strftime("%d/%m/%Y"),
    "slashes, month first": lambda day: day.strftime("%m/%d/%Y"),
    "dashes": lambda day: day.strftime("%d-%m-%Y"),
    "year first": lambda day: day.strftime("%Y/%m/%d"),
    "names": lambda day: day.strftime("%d %b %Y"),
    "long names": lambda day: day.strftime("%B %d, %Y"),
    "dashed names": lambda day: day.strftime("%d-%b-%Y"),
    "no zeros": lambda day: f"{day.day}.{day.month}.{day.year}",
    "two digits": lambda day: day.strftime("%d.%m.%y"),
    "with a clock": lambda day: day.strftime("%d.%m.%Y 00:00"),
    "with half a clock": lambda day: day.strftime("%m/%d/%Y 12:00 AM"),
}
NO_DATES = ("2023-13-45", "2023-02-30", "31.04.2023", "yesterday", "2023", "00/00/0000", "12:30")

WORDS: Mapping[str, Callable[[int], str]] = {
    "codes with zeros": lambda row: f"{row % 7:05}",
    "codes, some with zeros": lambda row: ["07", "12", "123"][row % 3],
    "a country called NA": lambda row: ["NA", "DE", "FR"][row % 3],
    "an answer called None": lambda row: ["None", "some", "all"][row % 3],
    "signs": lambda row: "+-"[row % 2],
    "ranges": lambda row: ["0-9", "10-19", "20-29"][row % 3],
    "versions": lambda row: ["1.2.3", "1.10.0", "2.0.1"][row % 3],
    "truth": lambda row: ["TRUE", "FALSE"][row % 2],
    "at least": lambda row: ["0", "1", "2", "3+"][row % 4],
    "formulas": lambda row: ['="001"', '="002"'][row % 2],
    "apostrophes": lambda row: ["'001", "'002"][row % 2],
    "lines and quotes": lambda row: ['a "b",\nc', "d;e|f\tg"][row % 2],
    "other scripts": lambda row: ["\u6771\u4eac", "\u00c9vian", "\U0001f600"][row % 3],
    "superscripts": lambda row: ["5\u00b2", "5\u00b3"][row % 2],
    "letters first": lambda row: ["A1", "A2", "B1"][row % 3],
    "hexadecimal": lambda row: ["0x1F", "0x2A"][row % 2],
}


def table(cells: Sequence[str], separator: str = ",", name: str = "x") -> str:
    """Return a table with these cells as column `x`, a second column of numbers, and labels."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow([name, "other", "label"])
    writer.writerows([cell, (row * 7) % 10, "yes" if row % 3 else "no"] for row, cell in enumerate(cells))
    return text.getvalue()


def _of_numbers() -> Iterator[tuple[str, Nasty]]:
    truth = values()
    for name, write in WRITINGS.items():
        cells = [write(value) for value in truth]
        for mark in ",;":
            yield f"{name}, {mark}", Nasty(contents=table(cells, mark).encode(), truth=truth)
    whole = [float(round(abs(value))) for value in truth]
    for mark in ",;\t":
        grouped = [f"{value:,.0f}" for value in whole]
        accepted = frozenset({"read", "noted"})
        yield (
            f"whole numbers with commas, {mark!r}",
            Nasty(contents=table(grouped, mark).encode(), truth=whole, outcomes=accepted),
        )
        pointed = [each.replace(",", ".") for each in grouped]
        yield (
            f"whole numbers with points, {mark!r}",
            Nasty(contents=table(pointed, mark).encode(), truth=whole, outcomes=accepted),
        )
    three = [f"{1 + value % 9:.3f}" for value in truth]
    for mark in ",;":
        yield (
            f"three decimals, {mark}",
            Nasty(
                contents=table(three, mark).encode(),
                truth=[float(each) for each in three],
                outcomes=frozenset({"read", "noted"}),
            ),
        )
    long = [str(10**17 + 12_345 * row) for row in range(ROWS)]
    noted = frozenset({"noted"})
    yield "ids of 18 digits", Nasty(contents=table(long).encode(), truth=long, outcomes=noted)
    yield (
        "moments",
        Nasty(
            contents=table([str(1_700_000_000_000 + 977 * row) for row in range(ROWS)]).encode(),
            truth=[1_700_000_000_000.0 + 977 * row for row in range(ROWS)],
        ),
    )
    units = [f"{value} {'kg' if row % 3 else 'g'}" for row, value in enumerate(truth)]
    yield "two units", Nasty(contents=table(units).encode(), truth=units, outcomes=noted)
    half = [f"{value:.2f}" if row % 2 else f"{value:.2f}".replace(".", ",") for row, value in enumerate(truth)]
    yield "two notations", Nasty(contents=table(half, ";").encode(), truth=truth, outcomes=noted | {"refused"})
    yield (
        "underscores",
        Nasty(contents=table([f"{value:_.0f}" for value in truth]).encode(), truth=truth, outcomes=noted),
    )


def _with_mistakes() -> Iterator[tuple[str, Nasty]]:
    truth = values()
    for name in ("plain", "commas group", "points group", "percent"):
        cells = [WRITINGS[name](value) for value in truth]
        for mistake in MISTAKES:
            contents = table([*cells[:BAD], mistake, *cells[BAD + 1 :]], ";")
            yield (
                f"{mistake!r} in {name}",
                Nasty(contents=contents.encode(), truth=truth, outcomes=frozenset({"refused"})),
            )
        for gap in GAPS:
            contents = table([*cells[:BAD], gap, *cells[BAD + 1 :]], ";")
            yield (
                f"gap {gap!r} in {name}",
                Nasty(contents=contents.encode(), truth=[*truth[:BAD], None, *truth[BAD + 1 :]]),
            )
    for name, cell in BROKEN.items():
        cells = [WRITINGS[name](value) for value in truth]
        contents = table([*cells[:BAD], cell, *cells[BAD + 1 :]], ";")
        yield f"{cell!r} in {name}", Nasty(contents=contents.encode(), truth=truth, outcomes=frozenset({"refused"}))


def days() -> list[dt.date]:
    """Return days of some years in no order."""
    return [dt.date(2019, 12, 31) + dt.timedelta(days=(row * 137) % 1500) for row in range(ROWS)]


def _of_dates() -> Iterator[tuple[str, Nasty]]:
    truth = days()
    for name, write in DATES.items():
        yield f"dates: {name}", Nasty(contents=table([write(day) for day in truth]).encode(), truth=truth)
    early = [day.replace(day=1 + day.day % 12) for day in truth]
    for name in ("slashes", "slashes, month first"):
        yield (
            f"dates that can be read in two ways: {name}",
            Nasty(
                contents=table([DATES[name](day) for day in early]).encode(),
                truth=early,
                outcomes=frozenset({"noted"}),
            ),
        )
    for cell in NO_DATES:
        cells = [day.isoformat() for day in truth]
        contents = table([*cells[:BAD], cell, *cells[BAD + 1 :]])
        yield f"{cell!r} among dates", Nasty(contents=contents.encode(), truth=truth, outcomes=frozenset({"refused"}))


def _of_words() -> Iterator[tuple[str, Nasty]]:
    for name, write in WORDS.items():
        truth = [write(row) for row in range(ROWS)]
        yield (
            f"words: {name}",
            Nasty(contents=table(truth).encode(), truth=truth, outcomes=frozenset({"read", "noted"})),
        )
    for gap in ("", "?", "NaN", "null", "n/a"):
        cells = [gap if row % 5 == 0 else "ab"[row % 2] for row in range(ROWS)]
        meant: list[Truth] = [None if cell == gap else cell for cell in cells]
        yield f"words with {gap!r}", Nasty(contents=table(cells).encode(), truth=meant)


def _of_files() -> Iterator[tuple[str, Nasty]]:
    truth = values()
    plain = [WRITINGS["plain"](value) for value in truth]
    good = table(plain)
    lines = good.splitlines(keepends=True)

    def read(contents: bytes, name: str = "t.csv") -> Nasty:
        return Nasty(contents=contents, name=name, truth=truth)

    def refused(contents: bytes, told: str, name: str = "t.csv") -> Nasty:
        return Nasty(contents=contents, name=name, outcomes=frozenset({"refused"}), told=told)

    yield "a byte order mark", read(good.encode("utf-8-sig"))
    yield "UTF-16", read(good.encode("utf-16"))
    yield "CRLF", read(good.replace("\n", "\r\n").encode())
    yield "CR", read(good.replace("\n", "\r").encode())
    yield "tabs", read(table(plain, "\t").encode())
    yield "bars", read(table(plain, "|").encode())
    yield "tabs in .tsv", read(table(plain, "\t").encode(), "t.tsv")
    yield "gzip", read(gzip.compress(good.encode(), mtime=0), "t.csv.gz")
    yield (
        "all quoted",
        read("".join(",".join(f'"{each}"' for each in line.strip().split(",")) + "\n" for line in lines).encode()),
    )
    yield "empty lines", read("\n".join(lines).encode())
    yield "Excel's word for the separator", read(f"sep=;\n{table(plain, ';')}".encode())
    yield "a separator at the end of every line", read(good.replace("\n", ",\n").encode())
    yield "spaces around names", read(good.replace("x,other,label", " x , other,label", 1).encode())
    yield "Latin-1", refused(table(["\u00e9"] * 9).encode("latin-1"), "is not UTF-8 text")
    yield "UTF-16 without a mark", refused(good.encode("utf-16-le"), "line 1: has a NUL byte")
    yield (
        "gzip under another name",
        refused(gzip.compress(good.encode(), mtime=0), "is a gzip file, whatever its name says"),
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as workbook:
        workbook.writestr("xl/workbook.xml", "")
    yield "a workbook under another name", refused(archive.getvalue(), "is a zip file, as .xlsx and .npz are")
    yield "Parquet under another name", refused(parquet({"x": truth}), "is a Parquet file")
    yield "CSV under Parquet's name", refused(good.encode(), "is not a whole Parquet file", "t.parquet")
    yield "one name twice", refused(good.replace("other", "x", 1).encode(), "has more than one column called 'x'")
    yield "no names", refused(b"1,2,3\n4,5,6\n", "line 1: has numbers where the names of the columns should be")
    yield "names alone", refused(lines[0].encode(), "has no rows")
    yield "nothing", refused(b"", "is empty")
    yield "one row", refused("".join(lines[:2]).encode(), "nothing can be learnt")
    yield (
        "a line that is too long",
        refused("".join([*lines[:9], "1,2,3,4\n", *lines[9:]]).encode(), "line 10: has 4 fields"),
    )
    yield (
        "a line that is too short",
        refused("".join([*lines[:9], "1,2\n", *lines[9:]]).encode(), "line 10: has 2 fields"),
    )
    yield (
        "a decimal comma that cuts a line",
        refused("".join([*lines[:9], "1,5,2,yes\n", *lines[9:]]).encode(), "line 10: has 4 fields"),
    )
    yield "a quote that stays open", refused((good + '"1,2,yes\n').encode(), "is not CSV")
    yield "a NUL byte", refused((good + "1\0,2,yes\n").encode(), f"line {ROWS + 2}: has a NUL byte")


def parquet(columns: Mapping[str, Any]) -> bytes:
    """Return a Parquet file of these columns and labels."""
    rows = len(next(iter(columns.values())))
    stream = io.BytesIO()
    pd.DataFrame(
        {
            **columns,
            "other": [row * 7 % 10 for row in range(rows)],
            "label": ["yes" if row % 3 else "no" for row in range(rows)],
        }
    ).to_parquet(stream)
    return stream.getvalue()


def _of_parquet() -> Iterator[tuple[str, Nasty]]:
    import decimal  # noqa: PLC0415

    truth = values()
    gaps = [None if row % 7 == 0 else value for row, value in enumerate(truth)]
    whole = [None if row % 7 == 0 else 2**40 + row * row for row in range(ROWS)]
    words = ["ab"[row % 2] for row in range(ROWS)]
    columns: Mapping[str, tuple[Any, Sequence[Truth]]] = {
        "numbers": (truth, truth),
        "nulls": (gaps, gaps),
        "whole numbers with nulls": (pd.array(whole, dtype="Int64"), whole),
        "decimals": ([decimal.Decimal(f"{value:.2f}") for value in truth], truth),
        "days": (days(), days()),
        "moments": (pd.to_datetime(days()), days()),
        "moments with a zone": (pd.to_datetime(days()).tz_localize("UTC"), days()),
        "a dictionary": (pd.Categorical(words), words),
        "text kept as bytes": ([word.encode() for word in words], words),
        "numbers as text": ([f"{value:,.2f}" for value in truth], truth),
    }
    for name, (column, written) in columns.items():
        yield f"Parquet: {name}", Nasty(contents=parquet({"x": column}), name="t.parquet", truth=written)
    for name, column, told in (
        ("lists", [[1, 2]] * ROWS, "column 'x' holds lists or records"),
        ("records", [{"a": 1}] * ROWS, "column 'x' holds lists or records"),
        ("bytes", [b"\xff\x00"] * ROWS, "column 'x' holds bytes that are no text"),
        ("infinite", [np.inf, *truth[1:]], "column 'x': 'inf' is not a finite number"),
    ):
        refused = frozenset({"refused"})
        yield f"Parquet: {name}", Nasty(contents=parquet({"x": column}), name="t.parquet", outcomes=refused, told=told)


FILES: Mapping[str, Nasty] = dict(
    each for group in (_of_numbers, _with_mistakes, _of_dates, _of_words, _of_files, _of_parquet) for each in group()
)
"""The files by what is nasty about them."""
