"""HTML that shows text as it is."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from tuner.formatting.html import beside, line, table
from tuner.formatting.values import safe


class Reader(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style"}
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.cells:
            self.cells[-1] += data


texts = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", "</td><img src=x onerror=a>", "&amp;<b>'\""]
)


@given(st.lists(st.tuples(texts, texts), max_size=3))
def test_every_cell_is_the_text_that_it_was_given(rows: list[tuple[str, str]]) -> None:
    reader = Reader(beside(table(("a", "b"), rows, right=("b",))))
    assert reader.cells == ["a", "b", *(safe(cell) for row in rows for cell in row)]
    assert reader.tags <= {"div", "table", "tr", "th", "td"}


@given(texts, texts)
def test_a_line_is_its_two_texts(head: str, rest: str) -> None:
    reader = Reader(line(head, rest))
    assert reader.text == f"{safe(head)} {safe(rest)}"
    assert reader.tags == {"div", "b"}
