"""What the bot says: values in, Telegram's HTML out. Every text that is not ours passes `line`."""

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from bot.commands import COMMANDS
from stack.messages import Ending, Link, Question

# Telegram takes 4096 UTF-16 units after its entities are parsed. We count the source, which is never shorter, and
# leave room for the line that says who answered a question.
LIMIT = 3900
STEPS_SHOWN = 8
STATES = {
    "queued": "🕓",
    "running": "⏳",
    "waiting": "❓",
    "verified": "✅",
    "unproven": "⚠️",
    "failed": "❌",
    "cancelled": "⏹",
}
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")  # of terminals: CSI and OSC
# Where Telegram would begin a link, a mention, a tag or a command of its own accord: a path or a finding's title could
# otherwise lead somewhere. A word joiner is not seen, and ends that.
_LINKS = re.compile(r"(?<=\w)\.(?=\w)|(?<!\w)[@#/$](?=\w)|:(?=//)")
_JOINER = "\u2060"

BROKEN = "Something went wrong on my side. Please try again; if it stays, the log says more."


def line(text: str, limit: int = 300) -> str:
    """A stranger's text as one line of safe HTML, of at most `limit` characters before escaping."""
    return html.escape(_seen(text, limit))


def inert(text: str, limit: int = 300) -> str:
    """As `line`, and Telegram finds nothing in it to make a link of."""
    return html.escape(_LINKS.sub(lambda found: found[0] + _JOINER, _seen(text, limit)))


def _seen(text: str, limit: int) -> str:
    """What is seen of a text, on one line. Format characters (Cf) turn its direction, or carry what nobody sees."""
    spaced = " ".join(_ESCAPES.sub("", text).split())
    seen = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return seen if len(seen) <= limit else seen[: limit - 1] + "…"


def plain(markup: str) -> str:
    """Our HTML without its markup, for when Telegram cannot read it."""
    return html.unescape(re.sub(r"</?[a-z][^<>]*>", "", markup))


def short(run_id: UUID) -> str:
    """The six letters by which people name a run: of its random part, as the first ones are the time."""
    return run_id.hex[-6:]


def duration(seconds: float) -> str:
    """`45 s`, `2 min 5 s`, `1 h 3 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def money(dollars: float) -> str:
    """`$0.0123`, and cents alone from one dollar on."""
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


# --- answers to commands ----------------------------------------------------------------------------


def start() -> str:
    """The first words to a person."""
    return "Hello! I run a team of coding agents for you. The work happens elsewhere; you watch it here.\n\n" + help_()


def help_() -> str:
    """What works, with an example each."""
    lines = [f"{command.summary}: <code>{command.example}</code>" for command in COMMANDS]
    return "\n".join(
        [
            "<b>What I can do</b>",
            *lines,
            "",
            "A pull request may also be written <code>acme/shop#12</code> or as its address. With <code>ask</code> at "
            "the end I show you the findings before anything is posted: <code>/review acme/shop 12 ask</code>",
            "To stop a run, press Cancel under its message, or reply /cancel to it.",
        ]
    )


def chat() -> str:
    """To a text that is no command."""
    return (
        "I cannot hold a conversation yet. What works now is reviewing a pull request: "
        "<code>/review acme/shop 12</code>. /help shows the rest."
    )


def unknown(command: str) -> str:
    """To a command that there is not."""
    return f"I do not know {line(command, 40)}. /help shows what works."


def away(error: Exception) -> str:
    """To a request that met a passing fault."""
    reason = str(error)
    return f"{line(reason[:1].upper() + reason[1:])}. Please try again in a moment."


def stopping(title: str) -> str:
    """To /cancel."""
    return f"Stopping: {line(title)}"


def stranger(user_id: int) -> str:
    """To somebody who is not on the list."""
    return f"This bot is private. If it should know you, give its owner your id: <code>{user_id}</code>"


def runs(rows: Sequence[Mapping[str, Any]]) -> str:
    """The newest runs, one a line."""
    if not rows:
        return "You have no runs yet. Start one: <code>/review acme/shop 12</code>"
    return "\n".join(["<b>Your latest runs</b>", *map(_run, rows)])


def _run(row: Mapping[str, Any]) -> str:
    state, cost = str(row["state"]), float(row["cost_usd"] or 0)
    facts = [line(state), duration(row["seconds"]), *([money(cost)] if cost else [])]
    name = f"<code>{short(UUID(row['id']))}</code>"
    return f"{STATES.get(state, '•')} {line(row['title'], 150)} · {' · '.join(facts)} · {name}"


# --- runs -------------------------------------------------------------------------------------------


def progress(title: str, steps: Sequence[str], seconds: float, run_id: UUID) -> str:
    """The live message: the steps done, the one under way, the time since the start."""
    head = f"<b>{line(title)}</b>" + ("" if steps else " — queued")
    done = steps[:-1][-STEPS_SHOWN:]
    earlier = len(steps[:-1]) - len(done)
    return "\n".join(
        [
            head,
            *([f"✓ {earlier} earlier steps"] if earlier else []),
            *(f"✓ {inert(step, 200)}" for step in done),
            *(f"… {inert(step, 200)}" for step in steps[-1:]),
            f"<i>{duration(seconds)}</i> · <code>{short(run_id)}</code>",
        ]
    )


def ended(title: str, ending: Ending) -> str:
    """What is left of the live message."""
    return f"{STATES[ending.state]} <b>{line(title)}</b> — {ending.state} · {duration(ending.seconds)}"


def ending(content: Ending) -> str:
    """The final message."""
    head = f"{STATES[content.state]} <b>{content.state}</b> · {line(content.headline, 600)}"
    facts = [line(content.model, 100), money(content.cost_usd) if content.cost_usd else "", duration(content.seconds)]
    links = " · ".join(map(_link, content.links[:5]))
    return _fit(head, content.details, [*filter(None, [links]), f"<i>{' · '.join(filter(None, facts))}</i>"])


def question(content: Question) -> str:
    """A question, whose choices are the buttons below it."""
    return _fit(f"❓ {line(content.text, 600)}", content.details, [])


def answered(markup: str, who: str, choice: str) -> str:
    """A question after somebody chose."""
    return f"{markup}\n\n{line(who, 60)} chose <b>{line(choice, 60)}</b>"


def _link(link: Link) -> str:
    label = line(link.label, 60)
    if not re.match(r"https?://", link.url) or len(link.url) > 300:
        return f"{label}: {line(link.url, 100)}"
    return f'<a href="{line(link.url)}">{label}</a>'


def _fit(head: str, details: Sequence[str], tail: Sequence[str]) -> str:
    """The parts as one message; details that do not fit are counted instead."""
    room = LIMIT - _size("\n".join([head, *tail])) - 40
    lines: list[str] = []
    for number, detail in enumerate(details):
        item = f"• {inert(detail)}"
        room -= _size(item) + 1
        if room < 0:
            lines.append(f"… and {len(details) - number} more")
            break
        lines.append(item)
    return "\n".join([head, *lines, *tail])


def _size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
