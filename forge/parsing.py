"""Whether texts parse as what their file is. In a process of its own, with limits: strangers write texts that take
hours or gigabytes to parse, and a parser cannot be stopped otherwise.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import PurePosixPath

KINDS = {".json": "JSON", ".py": "Python", ".pyi": "Python", ".toml": "TOML", ".yaml": "YAML", ".yml": "YAML"}
MOST_BYTES = 1 << 20  # of a text; larger ones are data, rather than what a person changes by hand
MOST_MEMORY = 1 << 30  # bytes; a megabyte of usual Python takes a seventh of it
MOST_SECONDS = 5


def kind_of(path: str) -> str:
    """The language of a file that can be told to parse or not; an empty text for any other."""
    return KINDS.get(PurePosixPath(path).suffix.lower(), "")


def parse(kind: str, texts: list[str]) -> list[bool] | None:
    """Which of `texts` parse. None where that cannot be told: one is too large, or took too long or too much."""
    given = json.dumps([kind, *texts]).encode()
    if any(len(text.encode(errors="replace")) > MOST_BYTES for text in texts):
        return None
    command = [sys.executable, "-I", "-W", "ignore", __file__]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=MOST_SECONDS, env={}, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    parsed: list[bool] = json.loads(done.stdout)
    return parsed


def _parser(kind: str) -> Callable[[str], object]:
    if kind == "Python":
        import ast

        return ast.parse
    if kind == "TOML":
        import tomllib

        return tomllib.loads
    if kind == "YAML":
        import yaml

        return lambda text: all(True for _ in yaml.parse(text, Loader=yaml.CSafeLoader))
    return json.loads


def _parses(parser: Callable[[str], object], text: str) -> bool:
    try:
        parser(text)
    except Exception:  # each parser has its own errors, and all of them run out of memory and stack
        return False
    return True


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    kind, *texts = json.load(sys.stdin)
    parser = _parser(kind)
    json.dump([_parses(parser, text) for text in texts], sys.stdout)
