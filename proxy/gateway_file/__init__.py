"""gateway.toml: providers, what serves each tier, prices and limits. A file with a mistake is refused whole."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

from proxy.default_prices import default_prices
from proxy.gateway import TIERS, Gateway, Limits, Route, Target, Tier
from proxy.gateway_file.keys import KeySources
from proxy.gateway_file.lines import lines_of
from proxy.gateway_file.mistakes import Mistakes, SetUpError
from proxy.gateway_file.prices import price_table
from proxy.gateway_file.providers import declared
from proxy.gateway_file.sections import Section, kind
from proxy.gateway_file.stamps import FilesRead
from proxy.gateway_file.targets import MODEL, Targets
from proxy.prices import PriceTable

__all__ = ["SetUpError", "load"]

KNOWN = ("default", "providers", "tiers", "models", "prices", "limits")
LIMITS = {
    "run": "run_usd", "person_day": "person_day_usd", "person_month": "person_month_usd",
    "day": "day_usd", "month": "month_usd",
}  # fmt: skip
MOST_USD = Decimal(1_000_000_000)
AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")  # where tomllib stopped, in its own words
EMPTY = 'the file is empty; it must have [providers.NAME], and [tiers] with sonnet = "NAME"'
NO_SONNET = 'tiers has no sonnet; it must have one, such as sonnet = "anthropic": a tier left out takes its targets'


def load(path: Path, environ: Mapping[str, str], files: FilesRead | None = None) -> Gateway:
    """What the file says. `environ` holds the keys that it names as `env:NAME`; `files` remembers what was read.

    Raises SetUpError, whose text has a line for each mistake: `gateway.toml:LINE: what is wrong; what would be right`.
    It never holds a key.
    """
    files = files or FilesRead()
    text = _text(path, files)
    values = _values(path.name, text)
    mistakes = Mistakes(path.name, lines_of(text))
    gateway = _gateway(Section(values, (), mistakes), KeySources(environ, path.parent, files))
    mistakes.refuse()
    return gateway


def _text(path: Path, files: FilesRead) -> str:
    try:
        raw = files.read(path)
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise SetUpError(f"{path.name}:1: it cannot be read ({error.strerror}); it must be a file") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SetUpError(f"{path.name}:{line}: a character here is not UTF-8; save the file as UTF-8") from error


def _values(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=_decimal)
    except ValueError as error:
        found = AT.search(str(error))
        line = found[1] if found and found[1] else text.rstrip().count("\n") + 1 if found else 1
        raise SetUpError(f"{name}:{line}: this is no TOML: {AT.sub('', str(error))}") from error
    except RecursionError as error:
        raise SetUpError(f"{name}:1: too many brackets stand within each other; a few are enough") from error


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("nan")


def _gateway(document: Section, sources: KeySources) -> Gateway:
    if not document.values:
        document.wrong((), EMPTY)
        return Gateway({})
    document.only(KNOWN)
    targets = Targets(declared(document.section("providers"), sources))
    return Gateway(
        tiers=_tiers(document.section("tiers"), targets),
        models=_models(document.section("models"), targets),
        default=cast(Tier | None, document.choice("default", TIERS) or None),
        prices=_prices(document.section("prices")),
        limits=_limits(document.section("limits")),
    )


def _tiers(section: Section, targets: Targets) -> dict[Tier, Route]:
    section.only(TIERS)
    if "sonnet" not in section.values:
        section.wrong((), NO_SONNET)
    found = {tier: targets.read(section, tier) for tier in TIERS if tier in section.values}
    return {tier: Route(tier, tier, found.get(tier, found.get("sonnet", ()))) for tier in TIERS}


def _models(section: Section, targets: Targets) -> dict[str, Route]:
    return {name: _model(section, name, targets.read(section, name)) for name in section.values}


def _model(section: Section, name: str, targets: tuple[Target, ...]) -> Route:
    if not MODEL.fullmatch(name):
        section.wrong((name,), f"{section.said(name)}: the name of a model has no spaces, and ASCII characters alone")
    if name.endswith("[1m]"):
        section.wrong((name,), f"{section.said(name)}: [1m] is taken off what is asked for; leave it out here too")
    return Route(name, next((tier for tier in TIERS if tier in name), ""), targets)


def _prices(section: Section) -> PriceTable:
    own = price_table(section)
    return PriceTable(own | {name: cost for name, cost in default_prices().items() if name not in own})


def _limits(section: Section) -> Limits:
    section.only(LIMITS)
    return Limits(**{LIMITS[name]: _dollars(section, name) for name in LIMITS if name in section.values})


def _dollars(section: Section, name: str) -> Decimal | None:
    value = section.values[name]
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number and Decimal(value).is_finite() and 0 < value <= MOST_USD:
        return Decimal(value)
    what = str(value)[:50] if is_number else kind(value)
    text = f"{section.said(name)} is {what}; it must be dollars, more than 0: leave the line out for no limit"
    section.wrong((name,), text)
    return None
