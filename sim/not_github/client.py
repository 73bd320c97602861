"""A client of the simulator's control, for the demo and tests. Needs nothing but the standard library."""

import json
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT = 60  # seconds

Json = dict[str, Any]


class Refused(Exception):
    """The simulator answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


def call(method: str, url: str, content: Json | bytes | None = None) -> Any:
    """The JSON of the answer, None where it is empty. Raises `Refused`."""
    body = json.dumps(content).encode() if isinstance(content, dict) else content
    kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
    request = Request(url, data=body, method=method, headers={"Content-Type": kind})  # noqa: S310 - ours
    try:
        with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - ours
            text = answer.read()
    except HTTPError as problem:
        with problem:
            raise Refused(problem.code, problem.read().decode(errors="replace")) from None
    return json.loads(text) if text else None


def example(url: str) -> Json:
    """Makes acme/shop with pull request 12; returns the pull request."""
    found: Json = call("POST", f"{url}/_sim/example")
    return found


def import_pull(url: str, folder: Path, owner_repo: str | None = None) -> Json:
    """Imports a folder of `pull.json` and `repo.bundle` as acme/<repository>, or as `owner_repo`; returns the pull
    request. It may be imported before. Where the repository has other branches of those names, `-<number>` is added."""
    about = json.loads((folder / "pull.json").read_text(encoding="utf-8"))
    place = owner_repo or f"acme/{about['repository']}"
    number = about["number"]
    try:
        found: Json = call("GET", f"{url}/repos/{place}/pulls/{number}")
    except Refused as problem:
        if problem.status != 404:
            raise
        suffix = _import_bundle(url, place, (folder / "repo.bundle").read_bytes(), f"-{number}")
        found = call("POST", f"{url}/_sim/repos/{place}/pulls", _wanted(about, suffix))
    return found


def _import_bundle(url: str, place: str, bundle: bytes, suffix: str) -> str:
    """The suffix that the branches needed."""
    try:
        call("POST", f"{url}/_sim/repos/{place}", bundle)
    except Refused as problem:
        if problem.status != 409:
            raise
        call("POST", f"{url}/_sim/repos/{place}?suffix={suffix}", bundle)
        return suffix
    return ""


def _wanted(about: Json, suffix: str) -> Json:
    ends = {name: about[name] + suffix for name in ("base", "head")}
    return {**ends, "number": about["number"], "title": about["title"], "body": about["body"]}
