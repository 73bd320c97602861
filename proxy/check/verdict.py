"""Whether a tier can be served, from what the checks found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from proxy.check.catalogue import Check
from proxy.check.finding import Finding
from proxy.gateway import Tier

Fitness = Literal["fit", "fit with limits", "unfit", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one tier; `because` names the checks that it rests on."""

    tier: Tier
    fitness: Fitness
    because: tuple[str, ...] = ()


def verdict(tier: Tier, found: Iterable[tuple[Check, Finding]]) -> Verdict:
    """Unfit where something that the tier needs does not work, unknown where that could not be found out."""
    found = list(found)
    needed = [(check, finding) for check, finding in found if tier in check.needed]
    if broken := _named(needed, "no"):
        return Verdict(tier, "unfit", broken)
    if open_ := _named(needed, "unknown"):
        return Verdict(tier, "unknown", open_)
    limits = _named([pair for pair in found if tier in pair[0].needed + pair[0].wanted], "no", "partly", "unknown")
    return Verdict(tier, "fit with limits", limits) if limits else Verdict(tier, "fit")


def _named(found: Iterable[tuple[Check, Finding]], *works: str) -> tuple[str, ...]:
    return tuple(check.name for check, finding in found if finding.works in works)
