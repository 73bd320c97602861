"""Where tiers and models go, in gateway.toml: `"PROVIDER"`, `"PROVIDER/MODEL"`, a table, or a list of those."""

import re
from collections.abc import Mapping

from proxy.gateway import Target
from proxy.gateway_file.mistakes import meant
from proxy.gateway_file.prices import price_of
from proxy.gateway_file.providers import Declared
from proxy.gateway_file.sections import Section, kind
from proxy.presets import PRESETS

KNOWN = ("provider", "model", "downgrade", "price")
MODEL = re.compile(r"[\x21-\x7e]{1,200}")  # it goes into headers and logs
EXAMPLE = '"zai", "zai/glm-4.7" or { provider = "zai", model = "glm-4.7" }'


class Targets:
    """Reads targets, whose providers must be among those declared."""

    def __init__(self, declared: Mapping[str, Declared]) -> None:
        self._declared = declared

    def read(self, section: Section, name: str) -> tuple[Target, ...]:
        """The targets that the value of `name` says, the first one first. There is at least one, or a mistake."""
        value = section.values[name]
        if not isinstance(value, list):
            return tuple(filter(None, [self._target(section, (name,), value)]))
        if not value:
            section.wrong((name,), f"{section.said(name)} goes nowhere; it must name a provider, such as {EXAMPLE}")
        found = [self._target(section, (name, number), item) for number, item in enumerate(value)]
        asked = [(target.provider.name, target.model) if target else number for number, target in enumerate(found)]
        for number, one in enumerate(asked):
            if one in asked[:number]:
                section.wrong((name, number), f"{section.said(name, number)} stands there twice; leave one out")
        if found and found[0] and found[0].downgrade:
            text = f"{section.said(name, 0)} is the first, and so no downgrade; leave downgrade out"
            section.wrong((name, 0), text)
        return tuple(filter(None, found))

    def _target(self, section: Section, within: tuple[str | int, ...], value: object) -> Target | None:
        if isinstance(value, str):
            provider, _, model = value.partition("/")
            return self._made(section, within, provider, model)
        if isinstance(value, dict):
            return self._of_table(section.at(*within, values=value))
        section.wrong(within, f"{section.said(*within)} is {kind(value)}; it must be {EXAMPLE}")
        return None

    def _of_table(self, table: Section) -> Target | None:
        table.only(KNOWN)
        if "provider" not in table.values:
            table.wrong((), f"{table.said()} has no provider; it must be {EXAMPLE}")
            return None
        made = self._made(table, ("provider",), table.text("provider"), table.text("model"))
        price = price_of(table, "price") or (made.price if made else None)
        downgrade = table.flag("downgrade")
        return Target(made.provider, made.model, downgrade, price) if made else None

    def _made(self, section: Section, within: tuple[str | int, ...], provider: str, model: str) -> Target | None:
        if model and not MODEL.fullmatch(model):
            section.wrong(within, f"{section.said(*within)}: the name of a model has no spaces, and ASCII characters")
        if found := self._declared.get(provider):
            return Target(found.provider, model, price=found.price)
        if provider in PRESETS:
            text = f"{provider!r} is not set up; add [providers.{provider}] with its keys"
        else:
            text = f"there is no [providers.{provider[:50]}]; {meant(provider, self._declared)}"
        section.wrong(within, f"{section.said(*within)}: {text}")
        return None
