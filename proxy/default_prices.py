"""What models cost where nobody says otherwise. `[prices]` in gateway.toml, and SONNET_PRICE and the like, come first.

Dollars per million tokens as the vendors published them until November 2026 (platform.claude.com, docs.z.ai,
api-docs.deepseek.com, platform.kimi.ai, developers.openai.com, ai.google.dev). A price that depends on the hour is
the dearer one, so that limits hold. Of two prices by the length of a prompt it is that of the shorter, except where
the longer begins at 100,000 tokens, which Claude Code often sends.

No model is free here. No pattern stands without a `*`: so a pattern that a person adds is found before all of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache

from proxy.prices import Price, price

Row = tuple[str, str, str]  # pattern, input/output, reading from the cache ("": a tenth of the input)

# Of several patterns that fit, the first counts. `?` is the - of Anthropic's names and the . of OpenRouter's.
CACHES_COST: tuple[Row, ...] = (  # writing to a cache costs 1.25 and 2 times the input
    ("claude-fable-5?1*", "10/50", "0.25"),
    ("claude-fable-*", "10/50", ""),
    ("claude-mythos-5?1*", "10/50", "0.25"),
    ("claude-mythos-*", "10/50", ""),
    ("claude-opus-5?5*", "4/20", "0.20"),
    ("claude-opus-4?[01]*", "15/75", ""),
    ("claude-opus-4?2025*", "15/75", ""),
    ("claude-opus-*", "5/25", ""),
    ("claude-sonnet-5?5*", "2/10", "0.10"),
    ("claude-sonnet-5*", "2/10", ""),
    ("claude-sonnet-*", "3/15", ""),
    ("claude-haiku-5?5*", "0.50/2.50", ""),  # 0.10/0.50 up to 100,000 tokens
    ("claude-haiku-*", "1/5", ""),
    ("gpt-6.2-astra*", "8/40", "0.40"),
    ("gpt-6.2-sol*", "2/10", "0.10"),
    ("gpt-6.1-sol*", "2/10", "0.10"),
    ("gpt-6.1-terra*", "1/5", "0.05"),
    ("gpt-6-astra*", "10/50", "1"),
    ("gpt-6-sol*", "2/10", "0.20"),
    ("gpt-6-luna*", "0.10/0.50", "0.01"),
    ("gpt-5.6-sol*", "4/20", "0.40"),
    ("gpt-5.6-terra*", "2/12", "0.20"),
    ("gpt-5.6-luna*", "0.20/1.20", "0.02"),
)
CACHES_FILL_BY_THEMSELVES: tuple[Row, ...] = (  # what is written to one costs what reading it does
    ("gpt-5.5-pro*", "30/180", "30"),
    ("gpt-5.5*", "5/30", "0.50"),
    ("gpt-5.4-pro*", "30/180", "30"),
    ("gpt-5.4-mini*", "0.75/4.50", "0.075"),
    ("gpt-5.4-nano*", "0.20/1.25", "0.02"),
    ("gpt-5.4*", "2.50/15", "0.25"),
    ("glm-5.3-flash*", "0.15/0.50", "0.03"),
    ("glm-5-turbo*", "1.20/4", "0.24"),
    ("glm-5v*", "1.20/4", "0.24"),
    ("glm-5*", "1.40/4.40", "0.26"),
    ("glm-4.7-flash*", "0.07/0.40", "0.01"),
    ("glm-4.5-airx*", "1.10/4.50", "0.22"),
    ("glm-4.5-air*", "0.20/1.10", "0.03"),
    ("glm-4.5-x*", "2.20/8.90", "0.45"),
    ("glm-4*", "0.60/2.20", "0.11"),
    ("deepseek-v4-pro*", "1.32/3.96", "0.044"),  # half of it outside of peak hours
    ("deepseek-*", "0.30/1.20", "0.006"),  # half of it outside of peak hours
    ("kimi-k3.1-pro-highspeed*", "5/25", "0.50"),  # dearer than k3.1-pro; its price was not found
    ("kimi-k3.1*", "2/10", "0.20"),
    ("kimi-k3*", "3/15", "0.30"),
    ("kimi-k2.7-code-highspeed*", "1.90/8", "0.38"),
    ("kimi-k2.5*", "0.60/3", "0.10"),
    ("kimi-k2*", "0.95/4", "0.19"),
    ("gemini-3.[678]-flash*", "1.50/7.50", "0.15"),  # half of it until the end of 2026
    ("gemini-3.5-flash-lite*", "0.30/2.50", "0.03"),
    ("gemini-3.5-flash*", "1.50/9", "0.15"),
    ("gemini-3.1-flash-lite*", "0.25/1.50", "0.025"),
    ("gemini-3.1-pro*", "2/12", "0.20"),
    ("gemini-2.5-pro*", "1.25/10", "0.125"),
    ("gemini-2.5-flash-lite*", "0.10/0.40", "0.01"),
    ("gemini-2.5-flash*", "0.30/2.50", "0.03"),
)


@cache
def default_prices() -> Mapping[str, Price]:
    """Prices by pattern, in the order in which they count; also for names as OpenRouter has them: `vendor/model`."""
    rows = dict(_rows())
    return rows | {f"*/{pattern}": found for pattern, found in rows.items()}


def _rows() -> Iterator[tuple[str, Price]]:
    for pattern, text, read in CACHES_COST:
        yield pattern, replace(price(text), cache_read=Decimal(read) if read else None)
    for pattern, text, read in CACHES_FILL_BY_THEMSELVES:
        found = price(text)
        written = {"cache_write": found.input, "cache_write_1h": found.input}
        yield pattern, replace(found, cache_read=Decimal(read), **written)
