"""Buttons: what Telegram sees is an opaque id; what it stands for, and for whom, is in the bot's memory."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from bot.memory import DAY
from bot.memory.questions import Button, ButtonTable
from bot.telegram import Keys
from stack.errors import Refused
from stack.messages import Question
from stack.work.kinds import Retry, Start

EXPIRE_SECONDS = 7 * DAY  # of a button that has no deadline of its own
CANCEL = ""  # the question of a button that cancels the run
BEGIN = "begin"  # of one that begins it
RETRY = "retry"  # and of one that has it tried again; such buttons have an ask


class Buttons:
    """Makes buttons and judges presses. Made again for the same, they are the same."""

    def __init__(self, table: ButtonTable) -> None:
        self._table = table

    def for_question(self, run_id: UUID, chat_id: int, question: Question) -> Keys:
        """A button for each choice of a question, as it is shown to one person."""
        until = question.until.timestamp() if question.until else None
        fresh = [
            replace(_new(run_id, chat_id, question.question, choice), digest=question.digest, until=until)
            for choice in question.choices
        ]
        return self._kept(fresh)

    def to_cancel(self, run_id: UUID, chat_id: int) -> Keys:
        """The button that cancels a run; none once it was pressed."""
        made = self._table.of(run_id, chat_id, CANCEL)
        return () if made and made[0].used else self._kept([_new(run_id, chat_id, CANCEL, "Cancel")])

    def to_begin(self, run_id: UUID, chat_id: int, offers: Sequence[tuple[str, Start]]) -> Keys:
        """A button for each of several ways to begin one run, as (label, ask)."""
        fresh = [replace(_new(run_id, chat_id, BEGIN, label), ask=ask.model_dump_json()) for label, ask in offers]
        return self._kept(fresh)

    def to_retry(self, run_id: UUID, chat_id: int, ending_id: UUID) -> Keys:
        """The button that has what failed of a run done again, below how it ended."""
        ask = Retry(run_id=run_id).model_dump_json()
        return self._kept([replace(_new(run_id, chat_id, RETRY, "Try again"), digest=str(ending_id), ask=ask)])

    def pressed(self, data: str | None, *, user_id: int, chat_id: int) -> Button:
        """The button behind a press. Raises Refused with words for whoever pressed."""
        button = self._table.find(data or "")
        if button is None:
            raise Refused("I do not know this button.")
        if (button.user_id, button.chat_id) != (user_id, chat_id):
            raise Refused("This button is not yours.")
        if button.used:
            raise Refused("This was answered before, or has ended.")
        if time.time() > (button.until or button.at + EXPIRE_SECONDS):
            raise Refused("Too late: the time to answer is over." if button.until else "This button has expired.")
        return button

    def _kept(self, fresh: Sequence[Button]) -> Keys:
        first = fresh[0] if fresh else None
        made = self._table.of(first.run_id, first.chat_id, first.question, first.digest) if first else []
        if first and not made:
            self._table.add(fresh)
            made = list(fresh)
        return [(button.choice, button.id) for button in made]


def _new(run_id: UUID, chat_id: int, question: str, choice: str) -> Button:
    # only private chats are served: there the chat's id is the person's
    return Button(secrets.token_urlsafe(16), chat_id, chat_id, run_id, question, choice, time.time())
