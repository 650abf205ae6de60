"""A report's figures as PNG files, through kaleido and a Chrome or Chromium of the machine."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tuner.domain.errors import ConfigurationError
from tuner.study_report.document import Picture
from tuner.study_report.file_names import file_name

_SCALE = 2
_INK, _SOFT, _GRID = "#1d2129", "#596273", "#e2e4e9"


def write_pictures(pictures: Sequence[Picture], folder: Path) -> tuple[Path, ...]:
    """Write each picture into `folder` and return their files.

    Raises `ConfigurationError` where kaleido or a browser is missing, or the browser does not do it.
    """
    if find_spec("kaleido") is None:
        raise ConfigurationError("pictures need the extra `png`", hint="pip install 'tuner[png]'")
    import kaleido  # noqa: PLC0415 - an extra
    from kaleido.errors import ChromeNotFoundError  # noqa: PLC0415

    paths = tuple(folder / picture_file(picture) for picture in pictures)
    drawn = [_order(picture, path) for picture, path in zip(pictures, paths, strict=True)]
    try:
        # Without MathJax, which would be fetched from the network.
        errors = kaleido.write_fig_from_object_sync(drawn, kopts={"mathjax": False}, cancel_on_error=True)
    except ChromeNotFoundError:
        raise ConfigurationError(
            "pictures need Chrome or Chromium, and none was found",
            hint="install one (apt install chromium), or set BROWSER_PATH to where it is",
        ) from None
    except Exception as error:  # the browser's and kaleido's own: a machine may be too busy to answer in time
        raise ConfigurationError(
            f"the pictures could not be drawn: {type(error).__name__}: {error}",
            hint="the browser did not answer; try again, or write the page without pictures: --format html",
        ) from error
    assert not errors
    return paths


def picture_file(picture: Picture) -> str:
    """Return the name of a picture's file."""
    return f"{file_name(picture.name)}.png"


def _order(picture: Picture, path: Path) -> dict[str, Any]:
    options = {"format": "png", "width": picture.width, "height": picture.height, "scale": _SCALE}
    return {"fig": _on_white(picture.figure), "path": path, "opts": options}


def _on_white(figure: Any) -> Any:
    """Return the figure as a page in light colours would show it."""
    import plotly.graph_objects as go  # noqa: PLC0415 - loaded already, by the code that drew the figure

    light = go.Figure(figure)
    light.update_layout(paper_bgcolor="white", plot_bgcolor="white", font_color=_INK)
    axes = {"gridcolor": _GRID, "linecolor": _GRID, "tickcolor": _GRID, "color": _SOFT}
    light.update_xaxes(**axes)
    light.update_yaxes(**axes)
    light.update_annotations(bgcolor="white")
    return light.to_dict()
