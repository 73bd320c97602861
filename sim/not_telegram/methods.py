"""The methods of the Bot API, by name. Each gets what happens in the chats and the call's parameters."""

import re
from collections.abc import Callable
from typing import Any

from sim.not_telegram import documents
from sim.not_telegram.calls import (
    chat_of,
    check_length,
    edit,
    editable,
    keyboard_of,
    message_of,
    preview_of,
    send,
    text_of,
)
from sim.not_telegram.parameters import Parameters
from sim.not_telegram.refusals import bad_request
from sim.not_telegram.store import Json
from sim.not_telegram.telegram import (
    BOT,
    CAPTION_LIMIT,
    COMMANDS,
    CONTENT,
    TEXT_LIMIT,
    Telegram,
    captioned,
    formatted,
)

Method = Callable[[Telegram, Parameters], Any]

ATTACHED = "attach://"  # and the name of the part of the request that has the file
ANSWER_LIMIT = 200  # characters
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
    chat = chat_of(telegram, parameters)
    content = text_of(parameters, "text", "entities")
    check_length(content, TEXT_LIMIT, empty="message text is empty", long="message is too long")
    return send(telegram, parameters, chat, formatted(content) | preview_of(parameters))


def send_document(telegram: Telegram, parameters: Parameters) -> Json:
    chat = chat_of(telegram, parameters)
    return send(telegram, parameters, chat, {"document": _document(telegram, parameters)} | _caption(parameters))


def edit_message_text(telegram: Telegram, parameters: Parameters) -> Json:
    message = editable(telegram, parameters)
    content = text_of(parameters, "text", "entities")
    check_length(content, TEXT_LIMIT, empty="message text is empty", long="MESSAGE_TOO_LONG")
    if "text" not in message.body:
        raise bad_request("there is no text in the message to edit")
    return edit(telegram, message, formatted(content) | keyboard_of(parameters))


def edit_message_caption(telegram: Telegram, parameters: Parameters) -> Json:
    message = editable(telegram, parameters)
    if "document" not in message.body:
        raise bad_request("there is no caption in the message to edit")
    return edit(telegram, message, _caption(parameters) | keyboard_of(parameters))


def edit_message_reply_markup(telegram: Telegram, parameters: Parameters) -> Json:
    message = editable(telegram, parameters)
    kept = {key: message.body[key] for key in CONTENT if key in message.body and key != "reply_markup"}
    return edit(telegram, message, kept | keyboard_of(parameters))


def delete_message(telegram: Telegram, parameters: Parameters) -> bool:
    telegram.delete(message_of(telegram, parameters, "message to delete not found"))
    return True


def set_message_reaction(telegram: Telegram, parameters: Parameters) -> bool:
    message = message_of(telegram, parameters, "message to react not found")
    reactions = [reaction.get("emoji", "") for reaction in parameters.structure("reaction") or []]
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if not REACTIONS.issuperset(reactions):
        raise bad_request("REACTION_INVALID")
    telegram.react(message, reactions)
    return True


def send_chat_action(telegram: Telegram, parameters: Parameters) -> bool:
    chat = chat_of(telegram, parameters)
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


# Documents


def get_file(telegram: Telegram, parameters: Parameters) -> Json:
    file_id = parameters.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    return documents.offer(telegram.store, file_id)


def _document(telegram: Telegram, parameters: Parameters) -> Json:
    """An upload, or what Telegram has already under an id."""
    given = parameters.text("document")
    if given and not given.startswith(ATTACHED):
        return _resent(telegram, given)
    upload = parameters.files.get(given.removeprefix(ATTACHED) or "document")
    if not upload:
        raise bad_request("there is no document in the request")
    name = documents.cleaned(upload.filename or "")
    mime_type = documents.mime_type_of(name)  # whatever the bot says that it is
    return documents.keep(telegram.store, name=name, mime_type=mime_type, content=upload.read())


def _resent(telegram: Telegram, file_id: str) -> Json:
    if "." in file_id:
        raise bad_request("failed to get HTTP URL content")  # nothing leaves this machine
    document = documents.known(telegram.store, file_id)
    if not document:
        raise bad_request("wrong remote file identifier specified: can't unserialize it")
    return document


def _caption(parameters: Parameters) -> Json:
    caption = text_of(parameters, "caption", "caption_entities")
    check_length(caption, CAPTION_LIMIT, empty=None, long="message caption is too long")
    return captioned(caption)


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
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "setMessageReaction": set_message_reaction,
    "sendChatAction": send_chat_action,
    "getFile": get_file,
    "answerCallbackQuery": answer_callback_query,
}
WAITING = frozenset({"getUpdates"})  # takes and leaves the lock itself
COUNTED = frozenset(  # in rate limits
    {"sendMessage", "sendDocument", "editMessageText", "editMessageCaption", "editMessageReplyMarkup"}
)
