"""The prices that hold where nobody says otherwise."""

from decimal import Decimal
from fnmatch import fnmatchcase

import pytest

from proxy.default_prices import default_prices
from proxy.prices import UNKNOWN, PriceTable, price
from proxy.usage import Usage

TABLE = PriceTable(default_prices())


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("claude-haiku-4-5-20251001", "1/5"), ("claude-sonnet-4-6", "3/15"), ("claude-opus-4-8", "5/25"),
        ("claude-opus-5[1m]", "5/25"), ("claude-opus-5-5", "4/20"), ("claude-opus-4-1-20250805", "15/75"),
        ("claude-opus-4-20250514", "15/75"), ("claude-opus-4-0", "15/75"), ("claude-sonnet-5-20260101", "2/10"),
        ("claude-sonnet-5-5", "2/10"), ("claude-sonnet-9", "3/15"), ("claude-haiku-9", "1/5"),
        ("claude-opus-9", "5/25"),
        ("anthropic/claude-opus-4.1", "15/75"), ("anthropic/claude-sonnet-4.5", "3/15"), ("z-ai/glm-4.7", "0.6/2.2"),
        ("glm-4.5-air", "0.2/1.1"), ("glm-4.5", "0.6/2.2"), ("glm-5.3", "1.4/4.4"), ("deepseek-flash", "0.3/1.2"),
        ("deepseek-v4-pro", "1.32/3.96"), ("kimi-k3", "3/15"), ("kimi-k2.7-code", "0.95/4"), ("gpt-6-luna", "0.1/0.5"),
        ("gpt-5.4-mini-2026-03-01", "0.75/4.5"), ("gemini-2.5-flash", "0.3/2.5"), ("gemini-2.5-flash-lite", "0.1/0.4"),
    ],
)  # fmt: skip
def test_a_model_costs_what_its_vendor_says(model: str, cost: str) -> None:
    found = TABLE.find(model)
    assert (found.input, found.output) == (price(cost).input, price(cost).output)


@pytest.mark.parametrize("model", ["", "qwen3-coder", "gpt-oss:20b", "unheard-of", "claude", "claude-9"])
def test_a_model_that_is_not_known_is_never_free(model: str) -> None:
    assert TABLE.find(model) == UNKNOWN


def test_no_default_is_free_and_each_is_a_pattern() -> None:
    for pattern, cost in default_prices().items():
        assert cost.input > 0
        assert cost.output > cost.input
        assert cost.cache_read is None or 0 < cost.cache_read <= cost.input
        assert pattern.endswith("*"), "an exact name would come before a person's own pattern"


def test_each_pattern_is_reached() -> None:
    patterns = list(default_prices())
    for number, pattern in enumerate(patterns):
        name = pattern.replace("?", "-").replace("[01]", "1").replace("[678]", "8").replace("*/", "vendor/").rstrip("*")
        assert next(i for i, earlier in enumerate(patterns) if fnmatchcase(name, earlier)) == number, pattern


def test_writing_to_a_cache_that_fills_by_itself_costs_what_reading_input_does() -> None:
    written = Usage(cache_write=1_000_000, cache_write_1h=1_000_000)
    assert TABLE.find("glm-4.7").cost(written) == 1_200_000
    assert TABLE.find("claude-opus-5").cost(written) == 16_250_000


def test_reading_from_a_cache_has_its_own_price() -> None:
    read = Usage(cache_read=1_000_000)
    assert TABLE.find("claude-sonnet-5-5").cost(read) == 100_000
    assert TABLE.find("claude-sonnet-5").cost(read) == 200_000
    assert TABLE.find("glm-4.7").cache_read == Decimal("0.11")
