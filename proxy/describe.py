"""A gateway in words, for `python -m proxy config`: where each tier goes, what that costs, the limits. No key."""

from dataclasses import fields
from decimal import Decimal

from proxy.gateway import Gateway, Limits, Route, Target
from proxy.prices import Price
from proxy.providers import routes

LIMITS = {
    "run_usd": "a run", "person_day_usd": "a person in a day", "person_month_usd": "a person in a month",
    "day_usd": "all in a day", "month_usd": "all in a month",
}  # fmt: skip


def describe(gateway: Gateway) -> str:
    """Several lines, without one at the end."""
    lines = [line for route in routes(gateway) for line in _route(gateway, route)]
    lines.append(f"other models: {gateway.default or 'refused (404)'}")
    lines.append(f"limits: {_limits(gateway.limits)}")
    return "\n".join(lines)


def _route(gateway: Gateway, route: Route) -> list[str]:
    return [
        f"{f'{route.name}:' if number == 0 else '  else'} {_target(gateway, target)}"
        for number, target in enumerate(route.targets)
    ]


def _target(gateway: Gateway, target: Target) -> str:
    provider = target.provider
    keys = f"{len(provider.keys)} key{'s' if len(provider.keys) > 1 else ''}" if provider.keys else "no key"
    said = [
        f"{target.model or 'the model asked for'} at {provider.name}",
        f"({provider.base_url}, {provider.wire}, {keys})",
        _cost(gateway, target),
    ]
    return " ".join([*said, *(["downgrade"] if target.downgrade else [])])


def _cost(gateway: Gateway, target: Target) -> str:
    if not target.model and not target.price:
        return "at the price of that model"
    return _price(gateway.price(target, target.model))


def _price(price: Price) -> str:
    return f"${_number(price.input)}/${_number(price.output)}"


def _limits(limits: Limits) -> str:
    amounts = [(LIMITS[field.name], getattr(limits, field.name)) for field in fields(limits)]
    return ", ".join(f"${_number(amount)} {what}" for what, amount in amounts if amount is not None) or "none"


def _number(value: Decimal) -> str:
    """As money is written: whole dollars, cents, or as many digits as it has."""
    if value == value.to_integral_value():
        return f"{value:.0f}"
    return f"{value:.2f}" if value == round(value, 2) else f"{value.normalize():f}"
