"""Gateways that are set up by a gateway.toml, written from Python values."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.proxy.running import RunningProxy, running_proxy

Values = Mapping[str, Any]


def toml(sections: Mapping[str, Values]) -> str:
    """The text of a file with these sections."""
    return "\n".join(_section(name, values) for name, values in sections.items())


def _section(name: str, values: Values) -> str:
    return f"[{name}]\n" + "".join(f"{json.dumps(key)} = {_value(value)}\n" for key, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)


def provider(url: str, wire: str = "anthropic", **more: Any) -> dict[str, Any]:
    """A provider that needs no key unless `keys` are given."""
    return {"wire": wire, "base_url": url, "price": "3/15", **more}


@contextmanager
def running_gateway(folder: Path, sections: Mapping[str, Values], **settings: str) -> Iterator[RunningProxy]:
    """Runs a gateway with gateway.toml in `folder`."""
    path = folder / "gateway.toml"
    path.write_text(toml(sections))
    with running_proxy(folder, GATEWAY_FILE=str(path), **settings) as running:
        yield running
