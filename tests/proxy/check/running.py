"""Runs `check` on a provider, as the command line would, and reads the report."""

import argparse
import io
import re
from dataclasses import dataclass

from proxy.check import command
from proxy.check.plan import Launch
from proxy.gateway import TIERS, Gateway, Provider, Route, Target
from proxy.prices import PriceTable, price
from tests.proxy.check import scripted
from tests.proxy.check.relay import relaying

PRICE = price("0.60/2.20")


@dataclass(frozen=True)
class Outcome:
    """What a person got to see, and the exit status."""

    status: int
    out: str
    err: str

    @property
    def calls(self) -> int:
        """How many calls it says were made."""
        return int(self._said(r"(\d+) calls? w(?:as|ere) made"))

    @property
    def planned_calls(self) -> int:
        """How many it said beforehand."""
        return int(self._said(r"It makes (\d+) calls"))

    @property
    def most_calls(self) -> int:
        """How many it said that it makes at the most."""
        return int(self._said(r"(\d+) at the most, and gives"))

    @property
    def dollars(self) -> float:
        """What it says that it cost."""
        return float(self._said(r"made, for about \$([\d.]*\d)"))

    @property
    def most_dollars(self) -> float:
        """What it said that it costs at the most."""
        return float(self._said(r"and \$([\d.]+) at the most"))

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, " ".join(self.out.split()))
        assert found, pattern
        return found[1]

    def row(self, name: str) -> str:
        """What the report says of a check, in one line: whether it works, then the words."""
        lines = iter(self.out.splitlines())
        first = next(line for line in lines if line[11:34].strip() == name)
        words = [first[2:11].strip(), first[34:].strip()]
        for line in lines:
            if line[:34].strip():
                break
            words.append(line.strip())
        return " ".join(words).strip()

    def failing(self) -> set[str]:
        """The checks whose finding is anything but yes."""
        rows = (line for line in self.out.splitlines() if line[2:11].strip() in ("no", "partly", "unknown"))
        return {row[11:34].strip() for row in rows}

    def verdict(self, tier: str) -> str:
        """What the report says of a tier, without why."""
        text = self.out[self.out.index("\nAs a tier") :]
        return next(line for line in text.splitlines() if line.split()[:1] == [tier])[11:].partition(":")[0]


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proxy")
    command.add_to(parser.add_subparsers())
    return parser.parse_args(["check", *words])


def provider_at(url: str, *keys: str) -> Provider:
    return Provider("zai", "anthropic", url, "x-api-key", keys=keys or (scripted.KEY,), key_setting="ZAI_KEY")


def gateway_of(*targets: Target) -> Gateway:
    """A gateway whose tiers all have these targets."""
    return Gateway({tier: Route(tier, tier, targets) for tier in TIERS}, prices=PriceTable({}))


def run(url: str, *words: str, launch: Launch = relaying, key: str = scripted.KEY) -> Outcome:
    """Checks what is at `url`, which is set up as zai with the model model-1."""
    out, err = io.StringIO(), io.StringIO()
    gateway = gateway_of(Target(provider_at(url, key), scripted.MODEL, price=PRICE))
    status = command.run(
        parsed("zai", *words),
        gateway=gateway,
        presets={},
        launch=launch,
        terminal=command.Terminal(out, err),
        sleep=lambda seconds: None,
    )
    return Outcome(status, out.getvalue(), err.getvalue())


def checked(provider: scripted.Provider, *words: str) -> Outcome:
    """Checks a scripted provider. A pause after a busy answer takes no time."""
    with scripted.running(provider) as url:
        return run(url, "--timeout", provider.patience, *words)
