"""Reads what a caller sent, of which nothing is certain. What is wrong is refused in the way of Anthropic's servers."""

from typing import Any, TypeVar

from proxy.errors import ApiError

T = TypeVar("T")

NAMES: dict[type, str] = {str: "string", dict: "object", list: "array", bool: "boolean", int: "integer"}


def refused(where: str, why: str) -> ApiError:
    """The error that tells what is wrong, and where: `messages.2.content.0: why`."""
    return ApiError(400, "invalid_request_error", f"{where}: {why}")


def typed(value: object, kind: type[T], where: str) -> T:
    """The value, which must be of that kind. Raises ApiError (400)."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise refused(where, f"Input should be a valid {NAMES[kind]}")
    return value


def field(found: dict[str, Any], name: str, kind: type[T], where: str) -> T:
    """A field that must be there. Raises ApiError (400)."""
    path = f"{where}.{name}" if where else name
    if found.get(name) is None:
        raise refused(path, "Field required")
    return typed(found[name], kind, path)


def optional(found: dict[str, Any], name: str, kind: type[T], where: str = "") -> T | None:
    """A field that may be missing or null. Raises ApiError (400) where it is of another kind."""
    return None if found.get(name) is None else field(found, name, kind, where)


def number(found: dict[str, Any], name: str) -> float | None:
    """A number at the top that may be missing or null. Raises ApiError (400)."""
    value = found.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise refused(name, "Input should be a valid number")
    return value


def blocks(value: object, where: str) -> list[dict[str, Any]]:
    """Content as its blocks: a string is one block of text. Raises ApiError (400)."""
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    if not isinstance(value, list):
        raise refused(where, "Input should be a valid string or array")
    return [typed(block, dict, f"{where}.{n}") for n, block in enumerate(value)]
