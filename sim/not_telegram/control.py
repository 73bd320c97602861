"""What people, tests and the demo do, over HTTP under /_sim; the list is in the package's docstring."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, TypeVar

from flask import Blueprint, Response, request, send_file
from werkzeug.exceptions import NotFound

from sim.not_telegram import documents
from sim.not_telegram.bot_api import BotApi
from sim.not_telegram.faults import Fault
from sim.not_telegram.refusals import bad_request
from sim.not_telegram.store import Json
from sim.not_telegram.telegram import COMMANDS, Telegram

LONGEST_WAIT = 60  # seconds
REQUIRED = object()

T = TypeVar("T")


def blueprint(api: BotApi) -> Blueprint:
    routes = Blueprint("control", __name__, url_prefix="/_sim")
    _add_people(routes, api.telegram)
    _add_views(routes, api.telegram)
    _add_trouble(routes, api)
    return routes


def _add_people(routes: Blueprint, telegram: Telegram) -> None:
    @routes.post("/messages")
    def say() -> Json:
        body = _body()
        with telegram.store.change():
            person = _person(telegram, body)
            chat = _chat(body, person)
            text, reply_to = _field(body, "text", str), _field(body, "reply_to_message_id", int, None)
            return telegram.say(chat=chat, person=person, text=text, reply_to=reply_to).as_shown()

    @routes.post("/documents")
    def share() -> Json:
        body, content = _body_and_content()
        with telegram.store.change():
            person = _person(telegram, body)
            return telegram.share(
                chat=_chat(body, person),
                person=person,
                document=_document(telegram, body, content),
                caption=_field(body, "caption", str, ""),
                reply_to=_field(body, "reply_to_message_id", int, None),
            ).as_shown()

    @routes.post("/edits")
    def edit() -> Json:
        body = _body()
        with telegram.store.change():
            person = _person(telegram, body)
            return telegram.rewrite(
                chat_id=_chat(body, person)["id"],
                message_id=_field(body, "message_id", int),
                person=person,
                text=_field(body, "text", str),
            ).as_shown()

    @routes.post("/callbacks")
    def tap() -> Json:
        body = _body()
        with telegram.store.change():
            person = _person(telegram, body)
            message_id, data = _field(body, "message_id", int), _field(body, "data", str)
            chat = telegram.store.chat(_field(body, "chat_id", int)) or _chat(body, person)
            return {"callback_query_id": telegram.tap(chat=chat, person=person, message_id=message_id, data=data)}

    @routes.post("/updates")
    def update() -> Json:
        body = _body()
        kind, content = _field(body, "kind", str), _field(body, "content", dict)
        with telegram.store.change():
            telegram.store.add_update(kind, content)
        return body

    @routes.post("/blocks")
    def block() -> Json:
        body = _body()
        chat_id, blocked = _field(body, "chat_id", int), _field(body, "blocked", bool)
        with telegram.store.change():
            if not telegram.store.chat(chat_id):
                raise bad_request("chat not found: nobody has written there yet")
            telegram.store.block(chat_id, blocked)
        return {"chat_id": chat_id, "blocked": blocked}


def _add_views(routes: Blueprint, telegram: Telegram) -> None:
    @routes.get("/health")
    def health() -> Json:
        return {"status": "ok"}

    @routes.get("/bot")
    def bot() -> Json:
        return telegram.me | {"commands": telegram.store.setting(COMMANDS)}

    @routes.get("/chats/<int(signed=True):chat_id>")
    def events(chat_id: int) -> list[Json]:
        since, seconds = _query("since", int), _query("wait", float)
        telegram.store.wait(lambda: telegram.store.events(chat_id, since), min(seconds, LONGEST_WAIT))
        return telegram.store.events(chat_id, since)

    @routes.get("/chats/<int(signed=True):chat_id>/messages")
    def messages(chat_id: int) -> list[Json]:
        return [message.as_shown() for message in telegram.store.messages(chat_id)]

    @routes.get("/files/<file_id>")
    def file(file_id: str) -> Response:
        found = telegram.store.file(file_id)
        if not found:
            raise NotFound
        name, mime_type, content = found
        return send_file(BytesIO(content), mimetype=mime_type, as_attachment=True, download_name=name or "document")


def _add_trouble(routes: Blueprint, api: BotApi) -> None:
    @routes.post("/faults")
    def add_fault() -> Json:
        body = _body()
        try:
            api.faults.add(Fault(**body))
        except TypeError as error:
            raise bad_request(f"not a fault: {error}") from None
        return body

    @routes.delete("/faults")
    def clear_faults() -> Json:
        api.faults.clear()
        return {}

    @routes.get("/requests")
    def requests() -> list[Json]:
        return list(api.requests)


def _body() -> Json:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise bad_request("a JSON object is expected, as application/json")
    return body


def _body_and_content() -> tuple[Json, bytes]:
    try:
        body = json.loads(request.form.get("message", ""))
    except ValueError:
        body = None
    content = request.files.get("document")
    if not isinstance(body, dict) or not content:
        raise bad_request("a form is expected, with a JSON object as `message` and a file as `document`")
    return body, content.read()


def _document(telegram: Telegram, body: Json, content: bytes) -> Json:
    """Under the name and type that the sender claims, whatever they are."""
    name, mime_type = _field(body, "file_name", str), _field(body, "mime_type", str, None)
    kind = documents.mime_type_of(name) if mime_type is None else mime_type
    return documents.keep(telegram.store, name=name, mime_type=kind, content=content)


def _field(body: Json, name: str, kind: type[T], default: Any = REQUIRED) -> T:
    value = body.get(name)
    if value is None and default is not REQUIRED:
        return default  # type: ignore[no-any-return]
    if not isinstance(value, kind):
        raise bad_request(f'"{name}" must be a {kind.__name__}')
    return value


def _query(name: str, kind: type[T]) -> T:
    """The number in the query, 0 where there is none."""
    try:
        return kind(request.args.get(name, 0))  # type: ignore[call-arg]
    except ValueError:
        raise bad_request(f'"{name}" must be a number') from None


def _person(telegram: Telegram, body: Json) -> Json:
    """Who does it, with the name they had before where none is given."""
    user_id = _field(body, "user_id", int)
    if user_id <= 0:
        raise bad_request('"user_id" must be above 0')
    known: Mapping[str, Any] = telegram.store.chat(user_id) or {}
    name = _field(body, "first_name", str, None) or known.get("first_name") or f"Person {user_id}"
    username = _field(body, "username", str, None) or known.get("username")
    person = {"id": user_id, "is_bot": False, "first_name": name, "language_code": "en"}
    return person | ({"username": username} if username else {})


def _chat(body: Json, person: Json) -> Json:
    """The private chat with that person, or a group where `chat_id` says another."""
    chat_id = _field(body, "chat_id", int, None) or person["id"]
    if chat_id == person["id"]:
        names = {key: person[key] for key in ("first_name", "username") if key in person}
        return {"id": chat_id, "type": "private"} | names
    if chat_id > 0:
        raise bad_request("a person writes in their own private chat, or in a group, whose id is below 0")
    return {"id": chat_id, "type": "supergroup", "title": f"Group {-chat_id}"}
