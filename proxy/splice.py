"""Finds the model in a request's JSON, and replaces it without touching any other byte."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.errors import ApiError

SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request's body, the model it asks for, and where in the body that begins and ends."""

    body: bytes
    model: str
    start: int
    end: int

    def asking_for(self, model: str) -> bytes:
        """The body with `model` in the place of the requested one; the very same body if empty."""
        if not model:
            return self.body
        return b"".join((self.body[: self.start], json.dumps(model).encode(), self.body[self.end :]))


def model_request(body: bytes) -> ModelRequest:
    """Reads a request. Raises ApiError where it is not a JSON object with one model in it."""
    try:
        text = body.decode()
        found = [member[1:] for member in _members(text) if member[0] == "model"]
    except (ValueError, RecursionError) as error:
        raise _invalid(f"the request body is not a JSON object with a model: {error}") from error
    if len(found) != 1 or not isinstance(found[0][0], str):
        raise _invalid("model: one string is required")
    model, start, end = found[0]
    before, value = len(text[:start].encode()), len(text[start:end].encode())
    return ModelRequest(body, str(model), before, before + value)


def _members(text: str) -> Iterator[tuple[str, object, int, int]]:
    """The members of the object that `text` is: name, value, and where the value begins and ends."""
    decode = json.JSONDecoder().raw_decode
    at = _after(text, 0, "{")
    while True:
        name, at = decode(text, at)
        if not isinstance(name, str):
            raise ValueError(f"a name was expected before character {at}")
        start = _after(text, at, ":")
        value, end = decode(text, start)
        yield name, value, start, end
        at = _skip_space(text, end)
        if text[at : at + 1] != ",":
            break
        at = _after(text, at, ",")
    if _after(text, at, "}") != len(text):
        raise ValueError("there is something behind it")


def _after(text: str, at: int, mark: str) -> int:
    """The place of what follows `mark`, which must be the next thing in `text`."""
    at = _skip_space(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark} was expected at character {at}")
    return _skip_space(text, at + 1)


def _skip_space(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at


def _invalid(message: str) -> ApiError:
    return ApiError(400, "invalid_request_error", message)
