"""A month of calls as a small team would make them, the same each time, and a set-up that goes with them."""

import random
from decimal import Decimal
from typing import Any

from proxy.dashboard.view import RouteView, SetUpView, TargetView, account_limits, key_accounts
from proxy.gateway import Limits
from proxy.ledger.schema import TOKENS
from proxy.prices import MICRO
from tests.proxy.dashboard.sample import SampleLedger

DAY = 86400
RUNS = [f"{number:08x}-7c1e-4c0b-9d5a-0f6b2f0c1111" for number in (0x5B21E9F0, 0x0C9D77A4, 0xE8F31B02, 0x9A40C6DD)]
# provider, model, micro-dollars a token of input and of output, seconds a call
OPUS = ("anthropic", "claude-opus-5", 5.0, 25.0, 26.0)
SONNET = ("anthropic", "claude-sonnet-5", 3.0, 15.0, 14.0)
GLM = ("zai", "glm-5", 0.6, 2.2, 19.0)
DEEPSEEK = ("deepseek", "deepseek-chat", 0.3, 1.2, 11.0)
QWEN = ("ollama", "qwen3-coder:30b", 0.0, 0.0, 33.0)
ROUTES = {"opus": (OPUS, GLM), "sonnet": (SONNET, GLM), "haiku": (DEEPSEEK, QWEN)}
ERRORS = (
    {"status": 529, "reason": "overloaded_error"}, {"status": 429, "reason": "rate_limit_error"},
    {"status": 504, "reason": "timeout_error"}, {"status": 400, "reason": "invalid_request_error"},
)  # fmt: skip
FAILED = {"outcome": "error", "output_tokens": 0, "first_seconds": None, "micro_dollars": 0}
LIMITS = Limits(day_usd=Decimal(60), month_usd=Decimal(900), person_day_usd=Decimal(20))


def set_up(now: float) -> SetUpView:
    """Three tiers, each with something to fall back on; limits for all and for each person."""
    return SetUpView(
        routes=(
            RouteView("opus", (TargetView("anthropic", "claude-opus-5"), TargetView("zai", "glm-5", downgrade=True))),
            RouteView("sonnet", (TargetView("anthropic"), TargetView("zai", "glm-5", downgrade=True))),
            RouteView("haiku", (TargetView("deepseek", "deepseek-chat"), TargetView("ollama", "qwen3-coder:30b"))),
        ),
        source="gateway.toml",
        loaded=now - 3 * DAY,
        limits=account_limits(LIMITS, now),
        key_accounts=key_accounts(now),
    )


def fill(ledger: SampleLedger, now: float, *, days: int = 30, a_day: int = 240) -> None:
    """Calls up to now, what is under way, what was spent of each limit, a breaker that is open."""
    dice = random.Random(7)  # noqa: S311 - the same sample each time
    ages = [dice.random() * days * DAY for _ in range(days * a_day)]
    times = [now - age for age in ages if dice.random() < _busy(now - age)]
    for at in [*sorted(times), *(now - age for age in range(900, 60, -70))]:
        ledger.call(at=at, **_some_call(dice))
    for age, route in ((74, "opus"), (21, "haiku"), (9, "sonnet"), (3, "opus")):
        ledger.hold(at=now - age, **_some_call(dice, route))
    _spend(ledger, now)
    ledger.insert("breakers", provider="zai", worker="w1", state="open", until=now + 240, reason="timeout")


def _busy(at: float) -> float:
    return 0.95 if 7 <= at % DAY / 3600 < 18 else 0.35


def _some_call(dice: random.Random, route: str = "") -> dict[str, Any]:
    route = route or dice.choices(["opus", "sonnet", "haiku"], [3, 6, 4])[0]
    fell_back = dice.random() < 0.07
    provider, model, price_in, price_out, seconds = ROUTES[route][fell_back]
    read_in, out, cached, written = (int(dice.lognormvariate(mean, 0.7)) for mean in (7.2, 6.4, 10.6, 8.1))
    cost = read_in * price_in + out * price_out + cached * price_in / 10 + written * price_in * 1.25
    call: dict[str, Any] = {
        "route": route, "asked": f"claude-{route}-5", "provider": provider, "model": model,
        **dict(zip(TOKENS, (read_in, out, cached, written), strict=False)), "micro_dollars": int(cost),
        "seconds": dice.lognormvariate(0, 0.6) * seconds, "first_seconds": dice.lognormvariate(0, 0.4) * seconds / 14,
        **_caller(dice),
    }  # fmt: skip
    if fell_back:
        call |= {"tried": f"{ROUTES[route][0][0]} {dice.choice(['529', '529', '429', 'timeout'])}", "fallbacks": 1}
    if dice.random() < 0.03:
        call |= FAILED | dice.choice(ERRORS)
    elif dice.random() < 0.02:
        call |= {"outcome": "aborted", "status": 499}
    return call


def _caller(dice: random.Random) -> dict[str, str]:
    if dice.random() < 0.22:
        return {"client": dice.choice(["laptop", "ci"]), "run": "", "role": "", "person": ""}
    person = dice.choices(["ada", "grace", "linus"], [5, 3, 1])[0]
    role = dice.choices(["pr_reviewer", "implementer", "planner"], [5, 4, 1])[0]
    return {"run": dice.choice(RUNS), "person": person, "role": role}


def _spend(ledger: SampleLedger, now: float) -> None:
    keys = key_accounts(now)
    day, month, person_day = (limit.account for limit in account_limits(LIMITS, now))
    for account, spent, held in (
        (day, 31.4, 0.7), (month, 412.9, 0.7), (person_day.replace("*", "ada"), 18.6, 0.5),
        (person_day.replace("*", "grace"), 9.2, 0.2), (keys["day"].replace("*", "laptop"), 1.9, 0.0),
        (keys["month"].replace("*", "laptop"), 22.0, 0.0),
    ):  # fmt: skip
        ledger.insert("accounts", account=account, spent=int(spent * MICRO), held=int(held * MICRO))
    ledger.insert("client_keys", name="laptop", hash="a", made=now, day_micro=5 * MICRO, month_micro=80 * MICRO)
    ledger.insert("client_keys", name="ci", hash="b", made=now, day_micro=2 * MICRO)
    ledger.insert("client_keys", name="gone", hash="c", made=now, revoked=now, day_micro=2 * MICRO)
