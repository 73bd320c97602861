"""Presses of buttons: each is a request whose id comes from the button, so that two presses ask once."""

import json
from functools import partial

from aiogram.types import CallbackQuery, Message, Update

from bot import texts
from bot.buttons import CANCEL
from bot.commands.cancel import show_stopping
from bot.desk import Desk, check
from bot.markup import plain
from bot.memory.questions import Button
from stack.errors import Refused
from stack.ids import secret_id
from stack.logs import about
from stack.messages import Chat, Request
from stack.people import Person
from stack.work import asks
from stack.work.kinds import Answer, Ask, Cancel, Retry, Start


class Presses:
    """Judges a press, and does what the button stands for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def pressed(self, query: CallbackQuery, event_update: Update, person: Person) -> None:
        """Raises Refused with words for the person."""
        assert query.message is not None  # noqa: S101 - the gate lets no other pass
        chat_id, message_id = query.message.chat.id, query.message.message_id
        button = self._desk.buttons.pressed(query.data, user_id=query.from_user.id, chat_id=chat_id)
        check(person, "start")
        ask = _ask(button)
        if isinstance(ask, Start):
            return await self._begin(query, event_update.update_id, person, button, ask)
        request = self._request(button, ask, person, Chat(chat_id=chat_id, message_id=message_id))
        settle = partial(self._desk.memory.settle, button.run_id, chat_id=button.chat_id, question=button.question)
        with about(button.run_id):
            confirmed = await self._desk.send(request, event_update.update_id, settle)
        match ask:
            case Cancel():
                await self._stopping(query, button, confirmed)
            case Retry():
                await self._trying_again(query, confirmed)
            case _:
                await self._answered(query, button, confirmed)

    def _request(self, button: Button, ask: Ask, person: Person, chat: Chat) -> Request:
        event, at = f"telegram/button/{button.id}", int(button.at * 1000)
        return Request(id=secret_id(self._desk.id_key, event, milliseconds=at), person=person, chat=chat, ask=ask)

    async def _stopping(self, query: CallbackQuery, button: Button, confirmed: bool) -> None:
        show_stopping(button.run_id, self._desk)
        said = "Stopping…" if confirmed else texts.accepted("is stopped", "the run")
        await self._desk.telegram.answer(query.id, plain(said), alert=not confirmed)

    async def _trying_again(self, query: CallbackQuery, confirmed: bool) -> None:
        said = "Trying again…" if confirmed else texts.accepted("is tried again", "the run")
        await self._desk.telegram.answer(query.id, plain(said), alert=not confirmed)
        if isinstance(query.message, Message):  # stays as it is, without its button
            chat_id, message_id = query.message.chat.id, query.message.message_id
            await self._desk.telegram.try_to_edit(chat_id, message_id, query.message.html_text)

    async def _answered(self, query: CallbackQuery, button: Button, confirmed: bool) -> None:
        memory, telegram = self._desk.memory, self._desk.telegram
        said = button.choice if confirmed else texts.accepted("counts", button.choice)
        await telegram.answer(query.id, plain(said), alert=not confirmed)
        assert query.message is not None  # noqa: S101 - the gate lets no other pass
        chat_id, message_id = query.message.chat.id, query.message.message_id
        asked = memory.questions.find(chat_id, message_id)  # none where an earlier version asked
        markup = asked.markup if asked else isinstance(query.message, Message) and query.message.html_text
        if markup:
            shown = texts.chosen(markup, query.from_user.full_name, button.choice)
            await telegram.try_to_edit(chat_id, message_id, shown)

    async def _begin(self, query: CallbackQuery, update_id: int, person: Person, button: Button, start: Start) -> None:
        """Begins what was offered: the message that offered it becomes the live one of the run."""
        assert query.message is not None  # noqa: S101 - the gate lets no other pass
        shown_as, meant = query.message.message_id, query.message.message_id
        if isinstance(query.message, Message) and query.message.reply_to_message:
            meant = query.message.reply_to_message.message_id
        chat = Chat(chat_id=button.chat_id, message_id=meant)
        request = Request(id=button.run_id, person=person, chat=chat, ask=start)
        await self._desk.begin(request, update_id, start, shown_as=shown_as)
        await self._desk.telegram.answer(query.id, button.choice)


def _ask(button: Button) -> Ask:
    """What a button asks for. Raises Refused where this version knows no such work."""
    if button.ask:
        kept = json.loads(button.ask)
        kind = asks().get(kept.get("verb"))
        if kind is None:
            raise Refused("I do not know this button any more.")
        return kind.model_validate(kept)
    if button.question == CANCEL:
        return Cancel(run_id=button.run_id)
    return Answer(run_id=button.run_id, question=button.question, choice=button.choice, digest=button.digest)
