"""What happens in the chats: messages come, change and go; people write, edit and tap; the bot is told."""

import secrets
import time
from dataclasses import replace

from sim.not_telegram import entities
from sim.not_telegram.entities import Formatted
from sim.not_telegram.refusals import Refusal, bad_request
from sim.not_telegram.store import Json, Message, Store

PERSON, BOT = "person", "bot"

TEXT_LIMIT, CAPTION_LIMIT = 4_096, 1_024  # UTF-16 code units, after entities are parsed
CONTENT = ("text", "entities", "caption", "caption_entities", "reply_markup")  # what an edit of a message replaces
COMMANDS, ALLOWED_UPDATES = "commands", "allowed_updates"

# The kinds of updates, as the Bot API lists them under Update.
UPDATES = (
    "message edited_message channel_post edited_channel_post business_connection business_message "
    "edited_business_message deleted_business_messages message_reaction message_reaction_count inline_query "
    "chosen_inline_result callback_query shipping_query pre_checkout_query purchased_paid_media poll poll_answer "
    "my_chat_member chat_member chat_join_request chat_boost removed_chat_boost"
)
KINDS = frozenset(UPDATES.split())
CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


class Telegram:
    """Methods that change something are called inside `store.change()`."""

    def __init__(self, *, store: Store, token: str) -> None:
        self.store = store
        self.token = token
        self.me: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Claude Stack",
            "username": "not_telegram_bot",
        }
        self._poll = 0

    # Messages, whoever writes them

    def send(self, *, chat: Json, who: str, sender: Json, content: Json) -> Message:
        body = {"date": int(time.time()), "chat": chat, "from": sender} | content
        message = self.store.add_message(chat["id"], who, body)
        self.tell("sent", who, message)
        return message

    def edit(self, message: Message, content: Json, *, who: str) -> Message:
        """`content` replaces text or caption, entities and keyboard; the rest of the message stays."""
        kept = {key: value for key, value in message.body.items() if key not in CONTENT}
        edited = replace(message, edits=message.edits + 1, body=kept | {"edit_date": int(time.time())} | content)
        self.store.keep_message(edited)
        self.tell("edited", who, edited)
        return edited

    def react(self, message: Message, reactions: list[str]) -> None:
        reacted = replace(message, reactions=reactions)
        self.store.keep_message(reacted)
        self.tell("reacted", BOT, reacted)

    def delete(self, message: Message) -> None:
        self.store.delete_message(message.message_id)
        self.tell("deleted", BOT, message)

    def tell(self, kind: str, who: str, message: Message, **more: object) -> None:
        """An event for those who watch the chat."""
        self.store.add_event(message.chat_id, {"kind": kind, "who": who, "message": message.as_shown()} | more)

    # What people do

    def say(self, *, chat: Json, person: Json, text: str, reply_to: int | None) -> Message:
        return self._write(chat, person, _written(text), reply_to)

    def share(self, *, chat: Json, person: Json, document: Json, caption: str, reply_to: int | None) -> Message:
        return self._write(chat, person, {"document": document} | _captioned(caption), reply_to)

    def _write(self, chat: Json, person: Json, content: Json, reply_to: int | None) -> Message:
        self._reachable(chat["id"])
        self.store.keep_chat(chat)
        if reply_to is not None:
            content["reply_to_message"] = quoted(self._existing(chat["id"], reply_to))
        message = self.send(chat=chat, who=PERSON, sender=person, content=content)
        self._update("message", message.as_sent())
        return message

    def rewrite(self, *, chat_id: int, message_id: int, person: Json, text: str) -> Message:
        self._reachable(chat_id)
        message = self._existing(chat_id, message_id)
        if message.body["from"]["id"] != person["id"]:
            raise bad_request("only who wrote a message can edit it")
        content = _captioned(text) if "document" in message.body else _written(text)
        edited = self.edit(message, content, who=PERSON)
        self._update("edited_message", edited.as_sent())
        return edited

    def tap(self, *, chat: Json, person: Json, message_id: int, data: str) -> str:
        """The id of the callback query. Nobody checks that there is such a button: attackers do not either."""
        self._reachable(chat["id"])
        callback_id = str(secrets.randbits(62))
        message = self.store.message(chat["id"], message_id)
        self.store.add_callback(callback_id, chat["id"], message_id)
        query = {"id": callback_id, "from": person, "chat_instance": str(chat["id"]), "data": data}
        query["message"] = message.as_sent() if message else {"chat": chat, "message_id": message_id, "date": 0}
        self._update("callback_query", query)
        event = {"kind": "tapped", "who": PERSON, "from": person, "message_id": message_id, "data": data}
        self.store.add_event(chat["id"], event)
        return callback_id

    def _reachable(self, chat_id: int) -> None:
        if self.store.blocked(chat_id):
            raise bad_request("this chat has blocked the bot; unblock it first")

    def _existing(self, chat_id: int, message_id: int) -> Message:
        message = self.store.message(chat_id, message_id)
        if not message:
            raise bad_request(f"there is no message {message_id} in chat {chat_id}")
        return message

    # What the bot is told

    def _update(self, kind: str, body: Json) -> None:
        allowed = self.store.setting(ALLOWED_UPDATES)
        if not allowed or kind in allowed:
            self.store.add_update(kind, body)

    def poll(self, *, offset: int, limit: int, seconds: float, allowed: list[str] | None) -> list[Json]:
        """Unconfirmed updates, as soon as there are some. Raises `Refusal` (409) once another poll begins.

        `allowed` holds from now on, for updates to come; None leaves what held before.
        """
        with self.store.change():
            self._poll += 1
            poll = self._poll
            self.store.confirm(offset)
            if isinstance(allowed, list):
                # A list without a kind that exists is as an empty one: all kinds that come by default.
                self.store.keep_setting(ALLOWED_UPDATES, sorted(KINDS & {str(kind).lower() for kind in allowed}))
        self.store.wait(lambda: self._poll != poll or self.store.pending(), seconds)
        if self._poll != poll:
            raise Refusal(409, CONFLICT)
        return self.store.updates(limit)


def quoted(message: Message) -> Json:
    """As Telegram shows a message inside a reply to it: without what that one replied to."""
    return {key: value for key, value in message.as_sent().items() if key != "reply_to_message"}


def formatted(content: Formatted) -> Json:
    """The fields of a Message for that text."""
    return {"text": content.text} | ({"entities": content.entities} if content.entities else {})


def captioned(content: Formatted) -> Json:
    """The fields of a Message for that caption; none where it is empty."""
    fields = {"caption": content.text, "caption_entities": content.entities}
    return {name: value for name, value in fields.items() if value}


def _written(text: str) -> Json:
    content = entities.plain(text, [])
    if not content.text:
        raise bad_request("message text is empty")
    if entities.utf16_length(content.text) > TEXT_LIMIT:
        raise bad_request("message is too long: Telegram's apps would cut it into several")
    return formatted(content)


def _captioned(text: str) -> Json:
    content = entities.plain(text, [])
    if entities.utf16_length(content.text) > CAPTION_LIMIT:
        raise bad_request("caption is too long: Telegram's apps would not send it")
    return captioned(content)
