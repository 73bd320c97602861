"""A scripted person on not-telegram, for tests and the demo.

`python -m sim.not_telegram.person` is one for a terminal.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

Json = dict[str, Any]

POLL_SECONDS = 20.0
ANSWER_SECONDS = 30.0  # how long the simulator may take to answer, beyond what it was asked to wait


class Person:
    """Writes in a private chat with the bot, taps and reads. Raises RuntimeError where the simulator refuses."""

    def __init__(self, url: str, user_id: int, first_name: str = "Ada") -> None:
        self.url = url.rstrip("/")
        self.user_id = user_id
        self.first_name = first_name

    def say(self, text: str, reply_to: int | None = None) -> Json:
        """The message as written; `reply_to` is a message id."""
        return self._post("messages", text=text, reply_to_message_id=reply_to)

    def send_document(
        self, name: str, content: bytes, caption: str = "", *, mime_type: str | None = None, reply_to: int | None = None
    ) -> Json:
        """The message as sent. `mime_type` is guessed from the name where it is None, left out where it is empty."""
        about = {"file_name": name, "mime_type": mime_type, "caption": caption, "reply_to_message_id": reply_to}
        form = {"message": json.dumps(self._myself() | about)}
        sent: Json = self._call("POST", "documents", data=form, files={"document": ("document", content)}).json()
        return sent

    def read_document(self, message: Json) -> bytes:
        """What is in the document of a message. Raises LookupError where the message has none."""
        if "document" not in message:
            raise LookupError(f"no document in message {message['message_id']}")
        return self._call("GET", f"files/{message['document']['file_id']}").content

    def edit(self, message: Json, text: str) -> Json:
        """The message with another text, or another caption where it has a document."""
        return self._post("edits", message_id=message["message_id"], text=text)

    def press(self, message: Json, label_or_data: str) -> None:
        """Taps a button that the message shows now. Raises LookupError where it has no such button."""
        shown = next(one for one in self.messages() if one["message_id"] == message["message_id"])
        offered = [button for button in buttons(shown) if "callback_data" in button]
        data = [one["callback_data"] for one in offered if label_or_data in (one["text"], one["callback_data"])]
        if not data:
            raise LookupError(f"no button {label_or_data!r} among {[button['text'] for button in offered]}")
        self._post("callbacks", chat_id=self.user_id, message_id=message["message_id"], data=data[0])

    def tell(self, kind: str, **content: Any) -> None:
        """Has the bot be told of something that this person did elsewhere: an update of that kind, word for word."""
        self._post("updates", kind=kind, content=content)

    def wait_for(self, predicate: Callable[[Json], object], timeout: float) -> Json:
        """The latest message of the bot that fits, as it now stands. Raises TimeoutError with the transcript."""
        deadline = time.monotonic() + timeout
        seen = 0
        while True:
            for message in reversed(self.messages()):
                if message["who"] == "bot" and predicate(message):
                    return message
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"no such message of the bot within {timeout} s\n{self.transcript()}")
            seen = _last_id(self.events(seen, wait=min(remaining, POLL_SECONDS)), seen)

    def messages(self) -> list[Json]:
        """The chat's messages as they now stand, oldest first."""
        found: list[Json] = self._call("GET", f"chats/{self.user_id}/messages").json()
        return found

    def events(self, since: int = 0, wait: float = 0) -> list[Json]:
        """What happened after the event `since`; waits up to `wait` seconds for something."""
        found: list[Json] = self._call("GET", f"chats/{self.user_id}?since={since}&wait={wait}", wait).json()
        return found

    def follow(self, on_event: Callable[[Json], object], since: int = 0) -> None:
        """Hands over every event as it happens, until `on_event` answers False."""
        while True:
            for event in self.events(since, wait=POLL_SECONDS):
                since = event["event_id"]
                if on_event(event) is False:
                    return

    def transcript(self) -> str:
        """The whole chat, a line or a few for each event."""
        return "\n".join(told(event) for event in self.events())

    def _post(self, what: str, **body: object) -> Json:
        answer: Json = self._call("POST", what, json=self._myself() | body).json()
        return answer

    def _myself(self) -> Json:
        return {"user_id": self.user_id, "first_name": self.first_name}

    def _call(self, method: str, what: str, seconds: float = 0, **more: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False  # loopback never goes through a proxy
            reply = session.request(method, f"{self.url}/_sim/{what}", timeout=seconds + ANSWER_SECONDS, **more)
        if not reply.ok:
            raise RuntimeError(f"not-telegram refused {method} {what}: {reply.text}")
        return reply


def buttons(message: Json) -> list[Json]:
    """The inline buttons of a message, row by row."""
    return [button for row in message.get("reply_markup", {}).get("inline_keyboard", []) for button in row]


def told(event: Json) -> str:
    """An event as a person would read it in a terminal: time, who, text, [buttons]."""
    at = datetime.fromtimestamp(event["at"]).strftime("%H:%M:%S.%f")[:-3]
    who = _name(event)
    first, *rest = _words(event).split("\n")
    return "\n".join([f"{at}  {who:>8}  {first}", *(" " * 24 + line for line in rest)])


def _name(event: Json) -> str:
    if event["who"] == "bot":
        return "bot"
    writer = event.get("from") or event["message"]["from"]
    return str(writer["first_name"])


def _words(event: Json) -> str:
    kind = event["kind"]
    if kind == "sent":
        return _shown(event["message"])
    if kind == "edited":
        return f"(edit of {event['message']['message_id']}) {_shown(event['message'])}"
    if kind == "deleted":
        return f"(deleted {event['message']['message_id']})"
    if kind == "reacted":
        return f"(reacted to {event['message']['message_id']}) {' '.join(event['message']['reactions'])}"
    if kind == "tapped":
        return f"(tapped on {event['message_id']}) {event['data']}"
    if kind == "answered":
        return f"(answered the tap) {event['text']}".rstrip()
    return f"({event['action']} …)"


def _shown(message: Json) -> str:
    text = message.get("text") or message.get("caption") or ""
    document = [_document(message["document"])] if "document" in message else []
    labels = "".join(f"[{button['text']}]" for button in buttons(message))
    return "\n".join([*document, *([text] if text else []), *([labels] if labels else [])])


def _document(document: Json) -> str:
    return f"<{document.get('file_name', 'document')}, {document['file_size']} bytes>"


def _last_id(events: list[Json], otherwise: int) -> int:
    return int(events[-1]["event_id"]) if events else otherwise


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sim.not_telegram.person",
        description="Chats on a running not-telegram from a terminal.",
        epilog="Example: python -m sim.not_telegram.person http://127.0.0.1:8082 say '/review acme/shop 12'",
    )
    parser.add_argument("url", help="where not-telegram runs")
    parser.add_argument("--user", type=int, default=1001, metavar="ID", help="who you are (default: %(default)s)")
    parser.add_argument("--name", default="Ada", help="your first name (default: %(default)s)")
    actions = parser.add_subparsers(dest="action", required=True)
    say = actions.add_parser("say", help="write a message and print it as JSON")
    say.add_argument("text")
    send = actions.add_parser("send", help="send a document and print the message as JSON")
    send.add_argument("file", type=Path)
    send.add_argument("--caption", default="")
    actions.add_parser("watch", help="print the chat, and what happens in it, until Ctrl-C")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    person = Person(options.url, options.user, options.name)
    try:
        if options.action == "say":
            _print(person.say(options.text))
        elif options.action == "send":
            _print(person.send_document(options.file.name, options.file.read_bytes(), options.caption))
        else:
            person.follow(lambda event: print(told(event), flush=True))
    except KeyboardInterrupt:
        return
    except (RuntimeError, OSError) as error:  # what requests raises is an OSError, too
        sys.exit(str(error))


def _print(message: Json) -> None:
    print(json.dumps(message, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
