"""What a call costs. Dollars per million tokens are micro-dollars per token, so costs are counted in micro-dollars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from proxy.usage import Usage

MICRO = 1_000_000
PARTS = 1_000_000  # of a micro-dollar: prices are reckoned in whole numbers of them
# of the price of input, as Anthropic charges for its caches of five minutes and of one hour
CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H = Decimal("0.1"), Decimal("1.25"), Decimal("2")
WEB_SEARCH = 10_000  # micro-dollars: Anthropic charges 10 dollars for a thousand


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-dollars per token. What is None is reckoned from the price of input as Anthropic reckons it."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None

    def cost(self, usage: Usage) -> int:
        """What `usage` costs in micro-dollars, rounded up."""
        each = _exact(self)
        exact = (
            usage.input * each.input + usage.output * each.output + usage.cache_read * each.cache_read
            + usage.cache_write * each.cache_write + usage.cache_write_1h * each.cache_write_1h
            + usage.web_searches * WEB_SEARCH * PARTS
        )  # fmt: skip
        return -(-exact // PARTS)

    def most(self, *, input_tokens: int, output_tokens: int) -> int:
        """The most that so many tokens can cost, in micro-dollars, whatever the cache does."""
        each = _exact(self)
        dearest = max(each.input, each.cache_write, each.cache_write_1h)
        return -(-(input_tokens * dearest + output_tokens * each.output) // PARTS)


class _Exact(NamedTuple):
    """A price in whole parts of a micro-dollar, all of it said."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int


@lru_cache(maxsize=1024)
def _exact(price: Price) -> _Exact:
    read = price.input * CACHE_READ if price.cache_read is None else price.cache_read
    write = price.input * CACHE_WRITE if price.cache_write is None else price.cache_write
    write_1h = price.input * CACHE_WRITE_1H if price.cache_write_1h is None else price.cache_write_1h
    return _Exact(*(int(part * PARTS) for part in (price.input, price.output, read, write, write_1h)))


UNKNOWN = Price(Decimal(5), Decimal(25))  # what Anthropic's own gateway takes for a model that it does not know


@dataclass(frozen=True)
class PriceTable:
    """Prices by model name or pattern (`claude-opus-*`): an exact name first, else the first pattern that fits."""

    prices: Mapping[str, Price] = field(default_factory=dict)
    otherwise: Price = UNKNOWN

    def find(self, model: str) -> Price:
        """The price of a model; never zero for one that is not in the table."""
        return _find(self, model)

    def __hash__(self) -> int:
        return id(self)


@lru_cache(maxsize=1024)
def _find(table: PriceTable, model: str) -> Price:
    if exact := table.prices.get(model):
        return exact
    return next((price for pattern, price in table.prices.items() if fnmatchcase(model, pattern)), table.otherwise)


def price(text: str) -> Price:
    """The price that `INPUT/OUTPUT` says, in dollars per million tokens. Raises ValueError where it says none."""
    read_in, put_out = text.split("/")
    return Price(Decimal(read_in), Decimal(put_out))
