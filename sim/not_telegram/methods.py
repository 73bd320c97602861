"""The methods of the Bot API, by name. Each gets what happens in the chats and the call's parameters."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from sim.not_telegram import entities
from sim.not_telegram.entities import Entity, Formatted
from sim.not_telegram.parameters import Parameters
from sim.not_telegram.refusals import Refusal, bad_request
from sim.not_telegram.store import Json, Message
from sim.not_telegram.telegram import BOT, COMMANDS, TEXT_LIMIT, Telegram, formatted, quoted

Method = Callable[[Telegram, Parameters], Any]

CAPTION_LIMIT = 1_024  # UTF-16 code units
ANSWER_LIMIT = 200  # characters
DATA_LIMIT = 64  # bytes of a button's callback_data
POLL_LIMIT, POLL_SECONDS = 100, 50

# The emoji that a bot may react with, as the Bot API lists them under ReactionTypeEmoji.
EMOJI = (
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 "
    "🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 "
    "🤷\u200d♂ 🤷 🤷\u200d♀ 😡"
)
REACTIONS = frozenset(EMOJI.split())
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
ACTIONS = frozenset({"typing", "upload_document", "upload_photo", "choose_sticker", "find_location"})
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


# The bot itself


def get_me(telegram: Telegram, _: Parameters) -> Json:
    return telegram.me | {
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": False,
    }


def set_my_commands(telegram: Telegram, parameters: Parameters) -> bool:
    commands = parameters.structure("commands")
    if not isinstance(commands, list):
        raise bad_request("can't parse commands: expected an Array of BotCommand")
    for command in commands:
        if not COMMAND.fullmatch(command.get("command", "").removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command.get("description", "")) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    kept = [{"command": one["command"].removeprefix("/"), "description": one["description"]} for one in commands]
    telegram.store.keep_setting(COMMANDS, kept)
    return True


def get_my_commands(telegram: Telegram, _: Parameters) -> list[Json]:
    commands: list[Json] = telegram.store.setting(COMMANDS)
    return commands


# Updates


def get_updates(telegram: Telegram, parameters: Parameters) -> list[Json]:
    return telegram.poll(
        offset=parameters.number("offset") or 0,
        limit=min(max(parameters.number("limit") or POLL_LIMIT, 1), POLL_LIMIT),
        seconds=min(max(parameters.number("timeout") or 0, 0), POLL_SECONDS),
        allowed=parameters.structure("allowed_updates"),
    )


def delete_webhook(telegram: Telegram, parameters: Parameters) -> bool:
    if parameters.flag("drop_pending_updates"):
        telegram.store.forget_updates()
    return True


def get_webhook_info(telegram: Telegram, _: Parameters) -> Json:
    return {"url": "", "has_custom_certificate": False, "pending_update_count": telegram.store.pending()}


# Messages


def send_message(telegram: Telegram, parameters: Parameters) -> Json:
    chat = _chat(telegram, parameters)
    content = _formatted(parameters, "text", "entities")
    _check_length(content, TEXT_LIMIT, empty="message text is empty", long="message is too long")
    return _send(telegram, parameters, chat, formatted(content) | _preview(parameters))


def send_document(telegram: Telegram, parameters: Parameters) -> Json:
    chat = _chat(telegram, parameters)
    caption = _formatted(parameters, "caption", "caption_entities")
    _check_length(caption, CAPTION_LIMIT, empty=None, long="message caption is too long")
    content = {"document": _stored(telegram, parameters)}
    if caption.text:
        content |= formatted(caption, text="caption", entities="caption_entities")
    return _send(telegram, parameters, chat, content)


def edit_message_text(telegram: Telegram, parameters: Parameters) -> Json:
    message = _editable(telegram, parameters)
    content = _formatted(parameters, "text", "entities")
    _check_length(content, TEXT_LIMIT, empty="message text is empty", long="MESSAGE_TOO_LONG")
    if "text" not in message.body:
        raise bad_request("there is no text in the message to edit")
    return _edit(telegram, message, formatted(content) | _keyboard(parameters))


def edit_message_reply_markup(telegram: Telegram, parameters: Parameters) -> Json:
    message = _editable(telegram, parameters)
    kept = {key: message.body[key] for key in ("text", "entities") if key in message.body}
    return _edit(telegram, message, kept | _keyboard(parameters))


def delete_message(telegram: Telegram, parameters: Parameters) -> bool:
    telegram.delete(_message(telegram, parameters, "message to delete not found"))
    return True


def set_message_reaction(telegram: Telegram, parameters: Parameters) -> bool:
    message = _message(telegram, parameters, "message to react not found")
    reactions = [reaction.get("emoji", "") for reaction in parameters.structure("reaction") or []]
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if not REACTIONS.issuperset(reactions):
        raise bad_request("REACTION_INVALID")
    telegram.react(message, reactions)
    return True


def send_chat_action(telegram: Telegram, parameters: Parameters) -> bool:
    chat = _chat(telegram, parameters)
    action = parameters.text("action")
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    telegram.store.add_event(chat["id"], {"kind": "action", "who": BOT, "action": action})
    return True


def answer_callback_query(telegram: Telegram, parameters: Parameters) -> bool:
    callback_id = parameters.text("callback_query_id")
    tap = telegram.store.callback(callback_id)
    if not tap:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = parameters.text("text")
    if len(text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    answer = {"callback_query_id": callback_id, "text": text, "show_alert": parameters.flag("show_alert")}
    telegram.store.add_event(tap[0], {"kind": "answered", "who": BOT, "message_id": tap[1]} | answer)
    return True


# What the methods share


def _chat(telegram: Telegram, parameters: Parameters) -> Json:
    chat_id = parameters.text("chat_id")
    if not chat_id:
        raise bad_request("chat_id is empty")
    chat = telegram.store.chat(int(chat_id)) if re.fullmatch(r"-?\d{1,18}", chat_id) else None
    if not chat:
        raise bad_request("chat not found")
    if telegram.store.blocked(chat["id"]):
        raise Refusal(403, "Forbidden: bot was blocked by the user")
    return chat


def _message(telegram: Telegram, parameters: Parameters, missing: str) -> Message:
    chat = _chat(telegram, parameters)
    message = telegram.store.message(chat["id"], parameters.number("message_id") or 0)
    if not message:
        raise bad_request(missing)
    return message


def _editable(telegram: Telegram, parameters: Parameters) -> Message:
    message = _message(telegram, parameters, "message to edit not found")
    if message.who != BOT:
        raise bad_request("message can't be edited")
    return message


def _send(telegram: Telegram, parameters: Parameters, chat: Json, content: Json) -> Json:
    content |= _reply(telegram, parameters, chat) | _keyboard(parameters)
    return telegram.send(chat=chat, who=BOT, sender=telegram.me, content=content).as_sent()


def _edit(telegram: Telegram, message: Message, content: Json) -> Json:
    if all(message.body.get(key) == content.get(key) for key in ("text", "entities", "reply_markup")):
        raise bad_request(NOT_MODIFIED)
    return telegram.edit(message, content, who=BOT).as_sent()


def _formatted(parameters: Parameters, text: str, given: str) -> Formatted:
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


def _check_length(content: Formatted, limit: int, *, empty: str | None, long: str) -> None:
    if empty and not content.text:
        raise bad_request(empty)
    if entities.utf16_length(content.text) > limit:
        raise bad_request(long)


def _preview(parameters: Parameters) -> Json:
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


def _keyboard(parameters: Parameters) -> Json:
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


def _stored(telegram: Telegram, parameters: Parameters) -> Json:
    upload = parameters.file("document")
    content = upload.read()
    if not content:
        raise bad_request("file must be non-empty")
    file_id = secrets.token_urlsafe(24)
    name, mime_type = upload.filename or "file", upload.mimetype or "application/octet-stream"
    telegram.store.add_file(file_id, name, mime_type, content)
    return {
        "file_id": file_id,
        "file_unique_id": file_id[:12],
        "file_name": name,
        "mime_type": mime_type,
        "file_size": len(content),
    }


METHODS: dict[str, Method] = {
    "getMe": get_me,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "getUpdates": get_updates,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "sendMessage": send_message,
    "sendDocument": send_document,
    "editMessageText": edit_message_text,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "setMessageReaction": set_message_reaction,
    "sendChatAction": send_chat_action,
    "answerCallbackQuery": answer_callback_query,
}
WAITING = frozenset({"getUpdates"})  # takes and leaves the lock itself
COUNTED = frozenset({"sendMessage", "sendDocument", "editMessageText", "editMessageReplyMarkup"})  # in rate limits
