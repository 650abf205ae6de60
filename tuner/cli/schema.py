"""Print the JSON schema of study files, with which editors complete, explain and check them."""

from tuner.cli._rendering import print_json
from tuner.spec.schema import json_schema

__all__ = ["command"]


def command() -> None:
    print_json(json_schema())
