"""What a call of the Bot API is about: chat, message, text, reply, keyboard. Raises `Refusal` as Telegram does."""

import re

from sim.not_telegram import entities
from sim.not_telegram.entities import Entity, Formatted
from sim.not_telegram.parameters import Parameters
from sim.not_telegram.refusals import Refusal, bad_request
from sim.not_telegram.store import Json, Message
from sim.not_telegram.telegram import BOT, CONTENT, Telegram, quoted

DATA_LIMIT = 64  # bytes of a button's callback_data
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def chat_of(telegram: Telegram, parameters: Parameters) -> Json:
    """The chat that the call names, where the bot may write."""
    chat_id = parameters.text("chat_id")
    if not chat_id:
        raise bad_request("chat_id is empty")
    chat = telegram.store.chat(int(chat_id)) if re.fullmatch(r"-?\d{1,18}", chat_id) else None
    if not chat:
        raise bad_request("chat not found")
    if telegram.store.blocked(chat["id"]):
        raise Refusal(403, "Forbidden: bot was blocked by the user")
    return chat


def message_of(telegram: Telegram, parameters: Parameters, missing: str) -> Message:
    """The message that the call names; `missing` says what the refusal says where there is none."""
    chat = chat_of(telegram, parameters)
    message = telegram.store.message(chat["id"], parameters.number("message_id") or 0)
    if not message:
        raise bad_request(missing)
    return message


def editable(telegram: Telegram, parameters: Parameters) -> Message:
    """The bot's own message that the call names."""
    message = message_of(telegram, parameters, "message to edit not found")
    if message.who != BOT:
        raise bad_request("message can't be edited")
    return message


def send(telegram: Telegram, parameters: Parameters, chat: Json, content: Json) -> Json:
    """Sends `content`, with the reply and the keyboard that the call asks for. The Message as sent."""
    content |= _reply(telegram, parameters, chat) | keyboard_of(parameters)
    return telegram.send(chat=chat, who=BOT, sender=telegram.me, content=content).as_sent()


def edit(telegram: Telegram, message: Message, content: Json) -> Json:
    """The Message with `content` in place of its words and keyboard."""
    if all(message.body.get(key) == content.get(key) for key in CONTENT):
        raise bad_request(NOT_MODIFIED)
    return telegram.edit(message, content, who=BOT).as_sent()


def text_of(parameters: Parameters, text: str, given: str) -> Formatted:
    """The parameter `text` as its parse mode says, or with the entities of the parameter `given`."""
    mode = parameters.text("parse_mode").lower()
    if mode == "html":
        return entities.parse_html(parameters.text(text))
    if mode:
        raise bad_request("unsupported parse_mode (not-telegram reads HTML alone)")
    return entities.plain(parameters.text(text), _entities(parameters, given))


def _entities(parameters: Parameters, name: str) -> list[Entity]:
    given = parameters.structure(name) or []
    if not isinstance(given, list) or not all({"type", "offset", "length"} <= set(entity) for entity in given):
        raise bad_request(f"can't parse entities: {name} must be an Array of MessageEntity")
    return [{key: value for key, value in entity.items() if value is not None} for entity in given]


def check_length(content: Formatted, limit: int, *, empty: str | None, long: str) -> None:
    """`limit` is in UTF-16 code units; `empty` and `long` are what the refusals say."""
    if empty and not content.text:
        raise bad_request(empty)
    if entities.utf16_length(content.text) > limit:
        raise bad_request(long)


def preview_of(parameters: Parameters) -> Json:
    """The field of a Message for how links are previewed; none where the call says nothing."""
    options = parameters.structure("link_preview_options")
    return {"link_preview_options": options} if options else {}


def _reply(telegram: Telegram, parameters: Parameters, chat: Json) -> Json:
    reply = parameters.structure("reply_parameters") or {"message_id": parameters.number("reply_to_message_id")}
    if not reply.get("message_id"):
        return {}
    message = telegram.store.message(chat["id"], reply["message_id"])
    if message:
        return {"reply_to_message": quoted(message)}
    if reply.get("allow_sending_without_reply"):
        return {}
    raise bad_request("message to be replied not found")


def keyboard_of(parameters: Parameters) -> Json:
    """The field of a Message for the inline keyboard; none where the call has none."""
    markup = parameters.structure("reply_markup")
    if not markup:
        return {}
    rows = markup.get("inline_keyboard")
    if not isinstance(rows, list):
        raise bad_request("object expected as reply markup (not-telegram knows inline keyboards alone)")
    kept = [[_button(button) for button in row] for row in rows]
    return {"reply_markup": {"inline_keyboard": kept}} if any(kept) else {}


def _button(button: Json) -> Json:
    if not button.get("text"):
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be a non-empty String')
    kept = {key: value for key, value in button.items() if value is not None}
    if len(kept) == 1:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in kept and not 1 <= len(kept["callback_data"].encode()) <= DATA_LIMIT:
        raise bad_request("BUTTON_DATA_INVALID")
    return kept
