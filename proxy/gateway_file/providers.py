"""The `[providers.NAME]` tables of gateway.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from proxy.addresses import why_not
from proxy.gateway import Auth, Provider
from proxy.gateway_file.keys import KeySources, headers, pool
from proxy.gateway_file.mistakes import BARE
from proxy.gateway_file.prices import price_of
from proxy.gateway_file.sections import Section
from proxy.presets import PRESETS
from proxy.prices import Price
from stack.settings import refuse_real_token_at_simulator

KNOWN = (
    "preset", "base_url", "keys", "price", "wire", "auth", "headers", "max_tokens_field", "reads_images",
)  # fmt: skip
MaxTokensField = Literal["max_tokens", "max_completion_tokens"]
NOBODY = Provider("", "anthropic", "-", "both", needs_key=False)  # where it is wrong what a provider is
OWN_WIRE: dict[str, str] = {"anthropic": "custom", "openai": "custom-openai"}


@dataclass(frozen=True, slots=True)
class Declared:
    """A provider as the file has it, and what all of its models cost where that is said."""

    provider: Provider
    price: Price | None = None


def declared(section: Section, sources: KeySources) -> Mapping[str, Declared]:
    """All providers that can be named: those in the file, and those known by name that need no key."""
    ready = {name: Declared(preset) for name, preset in PRESETS.items() if preset.base_url and not preset.needs_key}
    return ready | {table.name: _declared(table, sources) for table in section.sections()}


def _declared(table: Section, sources: KeySources) -> Declared:
    if not table.is_table:
        return Declared(NOBODY)
    table.only(KNOWN)
    if not BARE.fullmatch(table.name):
        table.wrong((), f"{table.said()}: the name of a provider is made of letters, digits, - and _")
    base = _base(table)
    auth = cast(Auth, table.choice("auth", get_args(Auth))) or base.auth
    provider = replace(
        base,
        name=table.name,
        base_url=_address(table, base),
        auth=auth,
        keys=pool(table, sources),
        needs_key=base.needs_key and auth != "none",
        key_setting=f"keys in [{table.said()}] of gateway.toml",
        extra_headers=headers(table, sources),
        reads_images=table.flag("reads_images", base.reads_images),
    )
    if field := table.choice("max_tokens_field", get_args(MaxTokensField)):
        provider = replace(provider, max_tokens_field=cast(MaxTokensField, field))
    _check_keys(table, provider)
    return Declared(provider, price_of(table, "price"))


def _base(table: Section) -> Provider:
    """What the provider is made from: a preset, or one of the two wires."""
    preset = table.choice("preset", PRESETS)
    wire = table.choice("wire", OWN_WIRE)
    if not preset and table.name in PRESETS and "preset" not in table.values:
        preset = table.name
    if preset and wire and PRESETS[preset].wire != wire:
        other = OWN_WIRE[wire]
        text = f'{preset} is known to speak {PRESETS[preset].wire}; write preset = "{other}" for {wire}'
        table.wrong(("wire",), text)
    if not preset and not wire:
        if not {"preset", "wire"} & table.values.keys():
            text = f'{table.said()} is no known provider; give it a preset ({", ".join(PRESETS)}) or wire = "openai"'
            table.wrong((), text)
        return NOBODY
    return PRESETS[preset or OWN_WIRE[wire]]


def _address(table: Section, base: Provider) -> str:
    example = "a text such as https://api.example.com"
    url = table.text("base_url", example).rstrip("/") or base.base_url
    if "base_url" in table.values and isinstance(table.values["base_url"], str):
        if why := why_not(url, base.wire):
            table.wrong(("base_url",), f"{table.said('base_url')} {why}")
    elif not url:
        table.wrong((), f"{table.said()} has no base_url; it must have one, such as https://api.example.com")
    return url


def _check_keys(table: Section, provider: Provider) -> None:
    if not table.values.get("keys") and provider.needs_key:
        variable = f"{table.name.upper().replace('-', '_')}_API_KEY"
        table.wrong(("keys",), f'{table.said()} has no keys; it must have some, such as keys = ["env:{variable}"]')
    if provider.keys and provider.auth == "none":
        table.wrong(("auth",), f"{table.said('auth')} is none, and yet there are keys; leave one of both out")
    for key in provider.keys:
        try:
            refuse_real_token_at_simulator(key, key.startswith("sk-ant-"), provider.base_url, "one of the keys")
        except SystemExit as refusal:
            table.wrong(("keys",), f"{table.said('keys')}: {refusal}")
