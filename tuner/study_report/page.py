"""A report as one HTML file that needs nothing else, not even a network.

What is shown was written by strangers: names, categories, error messages. It is escaped (jinja2's autoescape), figures
are JSON that no text in it can end, and the page's policy lets no script run but two, which it knows by their hashes.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tuner.study_report.document import Document, Picture

MARK = "tuner report"
"""What a page of ours says it was made by."""


def as_page(document: Document) -> str:
    """Return the report as an HTML page."""
    templates = Environment(
        loader=PackageLoader("tuner.study_report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    templates.filters["breakable"] = _breakable
    plotly = _plotly() if document.pictures else ""
    script = _own("page.js")
    return templates.get_template("page.html.j2").render(
        document=document,
        mark=MARK,
        policy=_policy(plotly, script),
        style=Markup(_own("page.css")),  # noqa: S704 - ours  # nosec B704
        figures=Markup(_figures(document.pictures)),  # noqa: S704 - escaped there  # nosec B704
        plotly=Markup(plotly),  # noqa: S704 - plotly's  # nosec B704
        script=Markup(script),  # noqa: S704 - ours  # nosec B704
    )


def _breakable(text: str) -> Markup:
    """Return text that may break after a dot or an underscore, as paths of parameters should."""
    return Markup("<wbr>").join(re.split(r"(?<=[._])(?=[A-Za-z])", text))


def _figures(pictures: Sequence[Picture]) -> str:
    """Return the figures as JSON that can stand inside of a script element: without anything that could end it."""
    figures = {f"figure-{picture.name}": json.loads(picture.figure.to_json()) for picture in pictures}
    text = json.dumps(figures, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _policy(*scripts: str) -> str:
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts if script)
    # Plotly writes styles while it draws.
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _own(name: str) -> str:
    return files("tuner.study_report").joinpath("templates", name).read_text(encoding="utf-8")


def _plotly() -> str:
    return files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
