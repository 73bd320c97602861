"""What the bot says of runs, questions and files: values in, Telegram's HTML out.

Every text that is not ours passes `line`. What one command alone says stands in its file.
"""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from bot.markup import code, duration, fit, inert, line, megabytes, money, short
from stack.messages import Attachment, Ending, Link, Question

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

BROKEN = "Something went wrong on my side. Please try again; if it stays, the log says more."
NEWER = (
    "A message for you came from a newer version of this stack, and I cannot read it: update the bot. "
    "The message is kept for its operator; /status shows how your runs stand."
)
EDITED = "I do not read edits: what counts is how the message was first sent. Please write it anew."
FREE = "Reply to this message with your answer."
ACCEPTED = "Accepted; it {what} as soon as the message broker is back"


def accepted(what: str, subject: str) -> str:
    """To what is stored and not yet confirmed by the broker; `what` it does then."""
    return f"{ACCEPTED.format(what=what)}: {line(subject)}"


def away(error: Exception) -> str:
    """To a request that met a passing fault."""
    reason = str(error)
    return f"{line(reason[:1].upper() + reason[1:])}. Please try again in a moment."


def stranger(user_id: int) -> str:
    """To somebody who is not on the list."""
    return f"This bot is private. If it should know you, give its owner your id: <code>{user_id}</code>"


def too_many(most: int, period: str, seconds: float) -> str:
    """To a person who asks too often."""
    return f"More than {most} requests in {period} are too many for me. I listen again in {duration(seconds)}."


# --- runs -------------------------------------------------------------------------------------------


def progress(
    title: str, steps: Sequence[str], seconds: float, run_id: UUID, *, passing: str = "", stored: bool = False
) -> str:
    """The live message: the steps done, the one under way or what is `passing`, the time since the start.

    `stored`: the broker has not taken the request yet.
    """
    under_way = [passing] if passing else list(steps[-1:])
    ticked = list(steps) if passing else list(steps[:-1])
    done = ticked[-STEPS_SHOWN:]
    earlier = len(ticked) - len(done)
    state = "" if under_way else " — queued"
    return "\n".join(
        [
            f"<b>{line(title)}</b>{state if not stored else ''}",
            *([ACCEPTED.format(what="starts") + "."] if stored else []),
            *([f"✓ {earlier} earlier steps"] if earlier else []),
            *(f"✓ {inert(step, 200)}" for step in done),
            *(f"… {inert(step, 200)}" for step in under_way),
            f"<i>{duration(seconds)}</i> · <code>{short(run_id)}</code>",
        ]
    )


def ended(title: str, ending: Ending) -> str:
    """What is left of the live message."""
    return f"{STATES[ending.state]} <b>{line(title)}</b> — {ending.state} · {duration(ending.seconds)}"


def ending(content: Ending, heading: str = "") -> str:
    """The final message."""
    head = f"{heading}{STATES[content.state]} <b>{content.state}</b> · {line(content.headline, 600)}"
    facts = [line(content.model, 100), money(content.cost_usd) if content.cost_usd else "", duration(content.seconds)]
    links = " · ".join(map(_link, content.links[:5]))
    return fit(head, content.details, [*filter(None, [links]), f"<i>{' · '.join(filter(None, facts))}</i>"])


def heading(title: str, asked_by: str = "") -> str:
    """The first line of what answers no message, so that a person knows what it is about; empty without a title."""
    who = f" · asked for by {line(asked_by, 60)}" if asked_by else ""
    return f"<b>{line(title, 150)}</b>{who}\n" if title else ""


def _link(link: Link) -> str:
    label = line(link.label, 60)
    if not re.match(r"https?://", link.url) or len(link.url) > 300:
        return f"{label}: {line(link.url, 100)}"
    return f'<a href="{line(link.url)}">{label}</a>'


# --- questions --------------------------------------------------------------------------------------


def question(content: Question, heading: str = "") -> str:
    """A question, whose choices are the buttons below it."""
    return _question(content, heading, [*([FREE] if content.free else []), *_deadline(content.until)])


def asked(content: Question, heading: str = "") -> str:
    """A question that is answered, or is about to be: without how and until when."""
    return _question(content, heading, [])


def _question(content: Question, heading: str, tail: Sequence[str]) -> str:
    return fit(f"{heading}❓ {line(content.text, 600)}", content.details, tail)


def _deadline(until: datetime | None) -> list[str]:
    """Until when an answer counts, as time that is left and as a moment: where people are is not known."""
    if until is None:
        return []
    left, at = until.timestamp() - time.time(), until.astimezone(UTC)
    return [f"<i>You have {duration(left)} to answer, until {at:%a} {at.day} {at:%b %H:%M} UTC.</i>"]


def chosen(markup: str, who: str, choice: str) -> str:
    """A question after somebody chose."""
    return f"{markup}\n\n{line(who, 60)} chose <b>{line(choice, 60)}</b>"


def answered(markup: str, who: str, text: str) -> str:
    """A question after somebody wrote their answer."""
    return f"{markup}\n\n{line(who, 60)} answered: <b>{line(text, 60)}</b>"


# --- files ------------------------------------------------------------------------------------------


def too_large(file: Attachment, limit: int) -> str:
    """In place of a file of more bytes than Telegram takes."""
    size, most = megabytes(file.size), megabytes(limit)
    return f"{_named(file)} has {size}, and Telegram takes less than {most} from a bot: I cannot send it."


def not_sent(file: Attachment, reason: str) -> str:
    """In place of a file that could not be sent."""
    return f"I could not send {_named(file)}: {line(reason)}."


def _named(file: Attachment) -> str:
    return code(file.name)
