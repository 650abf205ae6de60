"""The model card: what a person who is handed an exported model needs to know, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner.formatting.values import amount
from tuner.models.manifest import Manifest

_LISTED = 20
"""How many columns or classes are listed."""

_LANGUAGE = "language"
"""How a language model's description calls what it was trained for."""


def card(manifest: Manifest, columns: Sequence[str] | None) -> str:
    """Return the text of the card."""
    sections = (_head(manifest), _use(manifest, columns), _metrics(manifest), _origin(manifest), _limits(manifest))
    return "".join(f"{line}\n" for section in sections for line in section)


def _head(manifest: Manifest) -> Iterator[str]:
    study, data = manifest.study, manifest.settings.get("dataset")
    yield f"# {_word(study['name'])}"
    yield ""
    yield f"A model that {_what(manifest.description)}. It was found and trained by tuner" + (
        f" on `{_word(data)}`." if data else "."
    )
    yield ""
    if len(members := study.get("members", ())) > 1:
        yield f"It is the average of {len(members)} trainings, some of which may count more than once, in one file. The"
        yield "single best of them is an export of its own in `single/`: smaller and faster."
        yield ""
    if "weights" in study:
        latency = f"{study['latency_ms']:.2g} ms"
        yield f"It has {study['weights']:,} weights and takes {latency} for a row, once that is prepared."
        yield ""


def _what(description: Mapping[str, Any]) -> str:
    if classes := description.get("classes"):
        return f"distinguishes {len(classes)} classes: {_listed(classes)}"
    if description.get("task") == _LANGUAGE:
        return "says how many bits a byte a text takes: how strange the text is to it"
    return "predicts a value"


def _use(manifest: Manifest, columns: Sequence[str] | None) -> Iterator[str]:
    own = f" --objective {_word(manifest.objective)}" if ":" in manifest.objective else ""
    argument = f", objective={_word(manifest.objective).rpartition(':')[2]}" if own else ""
    yield "## How to use it"
    yield ""
    yield "```console"
    inputs = manifest.description.get("inputs")
    is_graph = isinstance(inputs, Mapping) and bool(inputs.get("graph"))
    yield f"$ tuner predict DIR {'new_graph/' if is_graph else 'new.csv'} -o answers.csv{own}"
    yield "```"
    yield ""
    yield "```python"
    yield "import tuner"
    yield ""
    yield f'model = tuner.load_model("DIR"{argument})'
    wanted = (
        "the path of a folder with nodes and edges, or of a .npz file" if is_graph else "a NumPy array or a DataFrame"
    )
    yield f"model.predict(inputs)  # {wanted}, raw: preprocessing is part of the model"
    yield "```"
    yield ""
    if columns is not None:
        yield f"It reads {amount(len(columns), 'column')}: {_listed(columns)}."
        yield ""
    if "model.onnx" in manifest.files:
        output = "probabilities" if manifest.description.get("classes") else "values"
        yield f"`model.onnx` is the network only, from preprocessed `inputs` (rows first) to `{output}`."
        yield ""


def _metrics(manifest: Manifest) -> Iterator[str]:
    is_of_all_rows = bool(manifest.study.get("all_rows"))
    splits = list(manifest.metrics)
    headers = [f"{split}, before" if is_of_all_rows and split == "validation" else split for split in splits]
    names = dict.fromkeys(name for split in manifest.metrics.values() for name in split)
    yield "## How good it is"
    yield ""
    yield f"| metric | {' | '.join(headers)} |"
    yield f"| --- |{' ---: |' * len(splits)}"
    for name in names:
        yield f"| {_word(name)} | {' | '.join(_value(manifest.metrics[split].get(name)) for split in splits)} |"
    yield ""
    if len(manifest.study.get("members", ())) > 1:
        yield "The interval (95 %) in brackets is for this model on new rows of data like these. The validation data"
        yield "chose its members and their epochs, so the values on it are on the good side."
        if is_of_all_rows:
            yield from _of_all_rows(has_test="test" in splits)
    elif manifest.study["confirmed"]:
        yield "The configuration was trained again with fresh seeds. The model is the best of these trainings on the"
        yield "validation data. The mean of these trainings has an interval (95 %) in brackets, with what it is for:"
        yield "`on new rows` allows for other rows of data and other seeds, `with another seed` for other seeds on the"
        yield "same rows alone. The validation data took part in choosing, so its mean is on the good side."
    else:
        yield "The validation data chose the configuration and the epoch, so its values are on the good side."
    yield _fairness(manifest.study.get("tested", 1))
    yield ""
    yield from _calibration(manifest.study.get("calibration"))


def _of_all_rows(*, has_test: bool) -> Iterator[str]:
    yield "In the end its members were trained once more, on the validation data too. The values on that, and the"
    yield "calibration, are from before, when they had not seen it;" + (
        " those on the test data are of the model as it is here."
        if has_test
        else " no data was kept apart that could measure the model as it is here."
    )


def _calibration(found: Mapping[str, Any] | None) -> Iterator[str]:
    if not found:
        return
    before, after = _value(found["raw_log_loss"]), _value(found["log_loss"])
    yield "Its probabilities are calibrated on the validation data, with the temperature"
    yield f"{found['temperature']:.3g}: the log loss on the {found['split']} data is {after}, and was {before} before."
    if found["threshold"] is not None:
        yield f"It answers with the second class from a probability of {found['threshold']:.3g} on, chosen there too."
    yield ""


def _fairness(tested: int) -> str:
    """Return how far the test data is data that nothing was chosen by: it has measured so many winners."""
    if tested > 1:
        return f"The test data has measured {tested} winners of this study by now, so it is on the good side too."
    return "Nothing was chosen by the test data."


def _origin(manifest: Manifest) -> Iterator[str]:
    study = manifest.study
    yield "## Where it comes from"
    yield ""
    yield f"Trial {study['trial']} of study `{_word(study['name'])}` after epoch {study['epoch']}."
    ran = f"{amount(study['trials'], 'trial')} with {amount(study['epochs'], 'epoch')} in all"
    yield f"The study ran {ran} to {_word(study['goal'])},"
    yield f"proposed by {_word(study['sampler'])}, judged by {_word(study['scheduler'])}; its seed is {manifest.seed}."
    yield ""
    yield "| configuration | value |"
    yield "| --- | --- |"
    for path, value in _flat(manifest.config):
        yield f"| {_word(path)} | {_value(value)} |"
    yield ""
    yield (
        "Versions: " + ", ".join(f"{_word(name)} {_word(version)}" for name, version in manifest.versions.items()) + "."
    )
    yield ""


def _limits(manifest: Manifest) -> Iterator[str]:
    yield "## Limits"
    yield ""
    yield "- It knows the data it was trained on. What is measured differently, or has changed since, it answers alike."
    if manifest.description.get("classes"):
        is_calibrated = "calibration" in manifest.description
        known = "are calibrated for data like that" if is_calibrated else "are not calibrated"
        yield f"- It always answers with one of its classes; its probabilities {known}."
    yield "- With other versions of the libraries, or on another processor, answers may differ in their last digits."
    yield "- One example at a time costs more for each: predict many at once."


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield f"{prefix}{key}", value.get("name", "")
            inside = {name: each for name, each in value.items() if name != "name"}
            yield from _flat(inside, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _listed(words: Sequence[Any]) -> str:
    shown = ", ".join(f"`{_word(word)}`" for word in words[:_LISTED])
    return shown + (f" and {len(words) - _LISTED} more" if len(words) > _LISTED else "")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        known = value["low"] is not None
        claim = "on new rows" if value.get("rows") else "with another seed"
        return _value(value["mean"]) + (
            f" ({_value(value['low'])} to {_value(value['high'])} {claim})" if known else ""
        )
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else _word(value)


def _word(text: object) -> str:
    """Return text on one line, its markup and control characters escaped."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return shown.replace("`", "'").replace("|", "\\|").replace("<", "&lt;")
