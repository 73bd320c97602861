"""The keys that gateway.toml names, as `env:NAME` or `file:PATH`: it never holds one itself."""

import re
from collections.abc import Mapping
from pathlib import Path

from proxy.gateway_file.sections import Section, kind
from proxy.gateway_file.stamps import FilesRead

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
# RFC 9110, 5.1 and 5.5: what the name and the value of a header may hold
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
SECRET_HEADER = re.compile(r"auth|cookie|key|pass|secret|token", re.IGNORECASE)
SOURCES = ("env:", "file:")
NOT_IN_CLEAR = (
    'stands here in clear, where it is copied and shown; write "env:NAME" for an environment variable, or '
    '"file:PATH" for a file that holds it'
)


class KeySources:
    """Where keys come from. Paths count from `folder`."""

    def __init__(self, environ: Mapping[str, str], folder: Path, files: FilesRead) -> None:
        self._environ = environ
        self._folder = folder
        self._files = files

    def value(self, source: str) -> str:
        """What `env:NAME` or `file:PATH` holds. Raises ValueError that says what is wrong, never a key."""
        way, _, where = source.partition(":")
        value = self._variable(where) if way == "env" else self._file(where)
        if not HEADER_VALUE.fullmatch(value):
            raise ValueError(f"{source}: no header can carry what it holds; it must be one line of ASCII characters")
        return value

    def _variable(self, name: str) -> str:
        if not VARIABLE.fullmatch(name):
            raise ValueError("env: must be followed by the name of a variable in capitals, such as env:ZAI_API_KEY")
        if value := self._environ.get(name, "").strip():
            return value
        raise ValueError(f"the environment variable {name} is not set, or empty; set it where the proxy starts")

    def _file(self, where: str) -> str:
        path = self._folder / where
        try:
            value = self._files.read(path).decode().strip()
        except (OSError, ValueError) as error:  # ValueError: not UTF-8, or no path at all
            why = error.strerror if isinstance(error, OSError) else "it is not a text"
            raise ValueError(f"file:{where} cannot be read ({why}); it must be a file that holds a key") from error
        if not value:
            raise ValueError(f"file:{where} is empty; it must hold a key")
        return value


def pool(section: Section, sources: KeySources) -> tuple[str, ...]:
    """The `keys` of a provider: a list, or one alone."""
    value = section.values.get("keys", [])
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        section.wrong(("keys",), f'{section.said("keys")} is {kind(value)}; it must be a list such as ["env:NAME"]')
        return ()
    keys = [_key(section, number, item, sources) for number, item in enumerate(items)]
    for number, item in enumerate(items):
        if item in items[:number]:
            section.wrong(("keys", number), f"{section.said('keys', number)} stands there twice; leave one out")
    return tuple(dict.fromkeys(filter(None, keys)))


def _key(section: Section, number: int, source: object, sources: KeySources) -> str:
    # what stands here is never repeated: it may be a key
    place = section.said("keys", number)
    if not isinstance(source, str):
        section.wrong(("keys", number), f'{place} is {kind(source)}; it must be "env:NAME" or "file:PATH"')
    elif not source.startswith(SOURCES):
        section.wrong(("keys", number), f"{place}: the key {NOT_IN_CLEAR}")
    else:
        try:
            return sources.value(source)
        except ValueError as error:
            section.wrong(("keys", number), f"{place}: {error}")
    return ""


def headers(section: Section, sources: KeySources) -> dict[str, str]:
    """The `headers` of a provider, names in lower case. One that sounds secret must come from elsewhere, as keys do."""
    table = section.section("headers")
    found = {name.lower(): _header(table, name, sources) for name in table.values}
    for name in {"authorization", "x-api-key", "host", "content-length", "transfer-encoding", "connection"} & {*found}:
        table.wrong((), f"{table.said(name)} is set by the proxy itself; auth and keys say how")
    return found


def _header(table: Section, name: str, sources: KeySources) -> str:
    value = table.text(name)
    if not HEADER_NAME.fullmatch(name):
        table.wrong((name,), f"{table.said(name)} is no name of a header; letters, digits and - are")
    elif not isinstance(table.values[name], str):
        return ""
    elif value.startswith(SOURCES):
        try:
            return sources.value(value)
        except ValueError as error:
            table.wrong((name,), f"{table.said(name)}: {error}")
    elif SECRET_HEADER.search(name):
        table.wrong((name,), f"{table.said(name)}: the secret {NOT_IN_CLEAR}")
    elif not HEADER_VALUE.fullmatch(value):
        table.wrong((name,), f"{table.said(name)}: no header can carry this; it must be one line of ASCII characters")
    return value


def is_secret(header: str) -> bool:
    """Whether the value of a header must not be logged, by the header's name."""
    return bool(SECRET_HEADER.search(header))
