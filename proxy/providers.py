"""What can be said of all providers of a gateway together."""

from proxy.gateway import Gateway, Provider, Route
from proxy.gateway_file.keys import is_secret


def routes(gateway: Gateway) -> tuple[Route, ...]:
    """Those of the tiers, then those of single models."""
    return (*gateway.tiers.values(), *gateway.models.values())


def providers(gateway: Gateway) -> tuple[Provider, ...]:
    """Each provider that a call can go to, once."""
    found = {target.provider.name: target.provider for route in routes(gateway) for target in route.targets}
    return tuple(found.values())


def secrets(gateway: Gateway) -> list[str]:
    """The values that must never be logged: keys, and headers that sound as if they held one."""
    keys = [key for provider in providers(gateway) for key in provider.keys]
    headers = [
        value for provider in providers(gateway) for name, value in provider.extra_headers.items() if is_secret(name)
    ]
    return list(dict.fromkeys(keys + headers))
