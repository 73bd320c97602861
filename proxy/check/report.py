"""The report: lines for a terminal of 80 columns, and the same as JSON."""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from proxy.check.checking import Checked
from proxy.check.finding import Finding
from proxy.check.plan import Plan, dollars
from proxy.check.verdict import Verdict, verdict
from proxy.gateway import Tier
from proxy.prices import MICRO, Price

WIDTH = 80
WORKS_COLUMN, NAME_COLUMN = 9, 23  # as wide as the longest and two blanks
SETTING = re.compile(r"\b[A-Z_]{10,}(?:=\d+)?")
SAID = {
    "fit": "fit",
    "fit with limits": "fit with limits",
    "unfit": "unfit",
    "unknown": "cannot be told",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked, in words that are safe to print. `where`: the host that it is at; `is_priced`: whether `price`
    is the model's own, not that of any unknown one."""

    provider: str
    model: str
    where: str
    price: Price
    is_priced: bool
    long: bool


def announcement(subject: Subject, plan: Plan, timeout: float) -> str:
    """What is about to be done, and what it costs."""
    rate = f"${subject.price.input:f} in and ${subject.price.output:f} out per million tokens"
    if not subject.is_priced:
        rate += ", as for any model whose price is not known here"
    paragraphs = (
        f"Checks {subject.provider}, model {subject.model}, at {subject.where}, through a gateway as Claude Code "
        "would use it.",
        f"It makes {plan.calls} calls, {plan.most_calls} at the most, and gives one up after {timeout:g} s of silence. "
        f"They cost about {dollars(plan.cost)}, and {dollars(plan.most_cost)} at the most: {rate}."
        + ("" if subject.long else " Long prompts are left out: --long."),
    )
    return "\n".join(map(_filled, paragraphs)) + "\n"


def line(finding: Finding) -> str:
    """A finding: whether it works, what a tier would notice of it, what was seen."""
    if finding.means:
        seen = f"\n{_row('', '', f'seen: {finding.detail}')}" if finding.detail else ""
        return _row(finding.works, finding.name, finding.means) + seen
    return _row(finding.works, finding.name, finding.detail)


def ending(subject: Subject, checked: Checked, verdicts: Iterable[Verdict]) -> str:
    """What it comes to, tier by tier, and what the check cost."""
    calls = "1 call was" if checked.calls == 1 else f"{checked.calls} calls were"
    spent = f"{calls} made, for about {dollars(checked.micro_dollars)}."
    if checked.obstacle:
        return f"{_filled(f'{subject.provider} could not be checked: {checked.obstacle}')}\n{spent}"
    lines = ["", f"As a tier, {subject.model} of {subject.provider} is", *map(_verdict, verdicts)]
    if needed := _settings(checked):
        lines.append(_filled(f"To be set for Claude Code: {', '.join(needed)}."))
    return "\n".join([*lines, "", spent])


def as_json(subject: Subject, checked: Checked, verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The whole of it, for programs. Money is in dollars."""
    return {
        "provider": subject.provider,
        "model": subject.model,
        "obstacle": checked.obstacle,
        "tiers": {one.tier: {"verdict": one.fitness, "because": list(one.because)} for one in verdicts},
        "findings": [
            {"name": finding.name, "works": finding.works, "means": finding.means, "detail": finding.detail}
            for _, finding in checked.found
        ],
        "calls": checked.calls,
        "cost_usd": checked.micro_dollars / MICRO,
    }


def verdicts(tiers: Iterable[Tier], checked: Checked) -> list[Verdict]:
    """Those of the tiers that are asked about; none where nothing could be checked."""
    return [] if checked.obstacle else [verdict(tier, checked.found) for tier in tiers]


def _verdict(one: Verdict) -> str:
    because = f": {', '.join(one.because)}" if one.because else ""
    return _row(one.tier, "", SAID[one.fitness] + because)


def _settings(checked: Checked) -> list[str]:
    """The settings of Claude Code that findings speak of."""
    spoken = (SETTING.findall(finding.means) for _, finding in checked.found if finding.works == "no")
    return sorted({name for names in spoken for name in names})


def _row(works: str, name: str, words: str) -> str:
    head = f"  {works:<{WORKS_COLUMN}}" + (f"{name:<{NAME_COLUMN}}" if name or not works else "")
    lines = textwrap.wrap(words, WIDTH - len(head), break_on_hyphens=False) or [""]
    return "\n".join([head + lines[0], *(" " * len(head) + line for line in lines[1:])]).rstrip()


def _filled(words: str) -> str:
    return textwrap.fill(words, WIDTH, break_on_hyphens=False)
