"""Buttons: what Telegram sees is an opaque id; what it stands for, and for whom, is in the bot's memory."""

import secrets
import time
from uuid import UUID

from bot.memory import DAY, Button, Memory
from bot.telegram import Keys
from stack.errors import Refused

EXPIRE_SECONDS = 7 * DAY
CANCEL = ""  # the question of a button that cancels the run


class Buttons:
    """Makes buttons and judges presses."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def make(self, run_id: UUID, chat_id: int, question: str, choices: tuple[str, ...]) -> Keys:
        """Buttons for the choices of a question. Made again, they are the same."""
        made = self._memory.buttons_of(run_id, question)
        if not made:
            made = [_new(run_id, chat_id, question, choice) for choice in choices]
            self._memory.add_buttons(made)
        return [(button.choice, button.id) for button in made]

    def cancel(self, run_id: UUID, chat_id: int) -> Keys:
        """The button that cancels a run; none once it was pressed."""
        made = self._memory.buttons_of(run_id, CANCEL)
        return () if made and made[0].used else self.make(run_id, chat_id, CANCEL, ("Cancel",))

    def pressed(self, data: str | None, *, user_id: int, chat_id: int) -> Button:
        """The button behind a press. Raises Refused with words for whoever pressed."""
        button = self._memory.button(data or "")
        if button is None:
            raise Refused("I do not know this button.")
        if (button.user_id, button.chat_id) != (user_id, chat_id):
            raise Refused("This button is not yours.")
        if button.used:
            raise Refused("This was answered before, or has ended.")
        if time.time() - button.at > EXPIRE_SECONDS:
            raise Refused("This button has expired.")
        return button


def _new(run_id: UUID, chat_id: int, question: str, choice: str) -> Button:
    # only private chats are served: there the chat's id is the person's
    return Button(secrets.token_urlsafe(16), chat_id, chat_id, run_id, question, choice, time.time())
