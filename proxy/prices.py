"""What tokens cost. Dollars per million tokens are micro-dollars per token, so costs are counted in micro-dollars."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from proxy.usage import Usage

# of the price of input, as Anthropic charges for its cache of five minutes
CACHE_READ = Decimal("0.1")
CACHE_WRITE = Decimal("1.25")
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-dollars per token."""

    input: Decimal
    output: Decimal

    def cost(self, usage: Usage) -> int:
        """What `usage` costs in micro-dollars, rounded up."""
        read_in = usage.input + usage.cache_read * CACHE_READ + usage.cache_write * CACHE_WRITE
        return int((read_in * self.input + usage.output * self.output).to_integral_value(ROUND_CEILING))


def price(text: str) -> Price:
    """The price that `INPUT/OUTPUT` says, in dollars per million tokens."""
    read_in, put_out = text.split("/")
    return Price(Decimal(read_in), Decimal(put_out))
