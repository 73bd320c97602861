"""The table of work: a file per kind beside this one, found by being there. The unions of messages are made from it.

A file has the asks, briefs and reports of one kind of work. What must know all kinds asks here, by the word that
stands in the message.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Annotated, Any, TypeVar

from pydantic import PlainValidator, SerializeAsAny, ValidationError

from stack.values import Value
from stack.work import kinds
from stack.work.kinds import Ask, Brief, Report, Start

T = TypeVar("T", bound=Value)


@cache
def asks() -> Mapping[str, type[Ask]]:
    """Every kind of ask, by its verb."""
    return _by("verb", Ask)


@cache
def briefs() -> Mapping[str, type[Brief[Report]]]:
    """Every kind of brief, by what it says to do."""
    return _by("do", Brief)


@cache
def reports() -> Mapping[str, type[Report]]:
    """Every kind of report, failures included, by its name."""
    return _by("report", Report)


def starts() -> Mapping[str, type[Start]]:
    """The asks that begin a run: each has a workflow of its verb's name."""
    return {verb: ask for verb, ask in asks().items() if issubclass(ask, Start)}


def _modules() -> Iterator[ModuleType]:
    yield kinds
    for module in pkgutil.iter_modules(__path__):
        yield importlib.import_module(f"{__name__}.{module.name}")


def _by(tag: str, base: type[T]) -> Mapping[str, type[T]]:
    found: dict[str, type[T]] = {}
    for module in _modules():
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, base) and kind.__module__ == module.__name__:
                word = kind.model_fields[tag].default
                if isinstance(word, str) and found.setdefault(word, kind) is not kind:
                    raise TypeError(f"{kind.__name__} and {found[word].__name__} are both the {tag} {word}")
    return found


def _reader(tag: str, base: type[Value], table: Callable[[], Mapping[str, type[Value]]]) -> PlainValidator:
    """Reads a value as the kind that its tag names."""

    def read(value: Any) -> Any:
        if isinstance(value, base):
            return value
        kind = table().get(str(value.get(tag))) if isinstance(value, dict) else None
        if kind is None:
            raise ValueError(f"no {tag} that there is")
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            raise ValueError(complaint(error)) from None

    return PlainValidator(read)


def complaint(error: ValidationError) -> str:
    """The first thing that is wrong, with its place, on one line and without what was given."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{first['msg']} at {where or 'the top'}"


AnyAsk = Annotated[SerializeAsAny[Ask], _reader("verb", Ask, asks)]
AnyBrief = Annotated[SerializeAsAny[Brief[Report]], _reader("do", Brief, briefs)]
AnyReport = Annotated[SerializeAsAny[Report], _reader("report", Report, reports)]
