"""Who may speak, and whose yes is a yes: attacks through the chat, the API and the broker, with real processes."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests

from native.desk import wait_until
from sim.not_telegram.person import Person, buttons
from stack.api import RunDetail
from stack.broker import Publisher
from stack.errors import StackError
from stack.init import CALLERS
from stack.messages import Message, Request
from stack.people import Person as Somebody
from stack.topology import USERS
from stack.work.kinds import Answer, Cancel
from tests.attacks.conftest import ADMINS
from tests.bot.conftest import not_telegram
from tests.bot.process import BotProcess
from tests.whole.world import PEOPLE, World

__all__ = ["not_telegram"]

Json = dict[str, Any]
NOWHERE = "amqp://bot:x@127.0.0.1:9/%2F"

SECONDS = 15
FRIEND = 666_666  # whom an attacker would like to let in
LET_IN = f"/people add {FRIEND} admin"
_members = iter(reversed(PEOPLE))  # those that no world has yet
_admins = iter(ADMINS)
_strangers = count(7_000_000)
_ids = count(500_000)


@pytest.fixture
def url(world: World) -> str:
    return world.stack.ports.url("not_telegram")


@pytest.fixture
def member(url: str) -> Person:
    """Somebody else who may use the bot."""
    return Person(url, next(_members), "Bob")


@pytest.fixture
def admin(url: str) -> Person:
    return Person(url, next(_admins), "Eve")


@pytest.fixture
def stranger(url: str) -> Person:
    return Person(url, next(_strangers), "Mallory")


@dataclass
class Asked:
    """A run that waits for a person, and the message that asks them."""

    world: World
    run_id: UUID
    person: Person
    message: Json

    @property
    def post(self) -> str:
        """The data of the button that says yes."""
        return str(next(button["callback_data"] for button in buttons(self.message) if button["text"] == "Post"))

    @property
    def run(self) -> RunDetail:
        return self.world.desk.api.run(self.run_id)

    def is_unanswered(self) -> bool:
        return self.run.state == "waiting" and self.run.gates[0].answer is None and self.world.reviews() == []

    def is_posted_once(self) -> bool:
        wait_until(lambda: self.run.state == "verified", seconds=SECONDS)
        return len(self.world.reviews()) == 1


def ask(world: World) -> Asked:
    """A review that this world's own person is asked about."""
    world.desk.write(f"/review {world.pull()} ask")
    return asked(world, world.desk.person)


def asked(world: World, person: Person) -> Asked:
    def asks(message: Json) -> bool:
        return f"acme/{world.name}#1" in message.get("text", "") and "Post" in labels(message)

    message = person.wait_for(asks, SECONDS)
    run = next(run for run in world.desk.api.runs() if run.title.endswith(f"{world.name}#1"))
    return Asked(world, run.id, person, message)


def labels(message: Json) -> list[str]:
    return [button["text"] for button in buttons(message)]


def tap(person: Person, data: str, message: Json, *, chat_id: int | None = None) -> str:
    """Taps, wherever that is, and returns the words with which the bot answers it."""
    chat = chat_id or person.user_id
    content = {"user_id": person.user_id, "first_name": person.first_name, "chat_id": chat}
    said = requests.post(
        f"{person.url}/_sim/callbacks", json=content | {"message_id": message["message_id"], "data": data}, timeout=10
    ).json()
    return str(wait_until(lambda: _answer(person, chat, said["callback_query_id"]), seconds=SECONDS)["text"])


def _answer(person: Person, chat_id: int, query: str) -> Json | None:
    events = requests.get(f"{person.url}/_sim/chats/{chat_id}", timeout=10).json()
    return next((e for e in events if e["kind"] == "answered" and e["callback_query_id"] == query), None)


def said(person: Person) -> list[str]:
    """All that the bot has sent to a person."""
    return [message["text"] for message in person.messages() if message["who"] == "bot" and "text" in message]


def hears(person: Person, text: str = "/help", **how: Any) -> str:
    """Writes something, and returns what the bot says to it: by then it has handled all that was sent before."""
    asked = person.say(text, **how)["message_id"]

    def answers(message: Json) -> bool:
        return bool(message.get("reply_to_message", {}).get("message_id") == asked)

    return str(person.wait_for(answers, SECONDS)["text"])


def written(person: Person, text: str, **more: Any) -> Json:
    """A message as Telegram brings it, with more than people can say."""
    user = {"id": person.user_id, "is_bot": False, "first_name": person.first_name}
    body = {"message_id": next(_ids), "date": int(time.time()), "chat": private(person), "from": user, "text": text}
    return body | more


def private(person: Person) -> Json:
    return {"id": person.user_id, "type": "private", "first_name": person.first_name}


def friends(admin: Person) -> bool:
    """Whether the attacker's friend was let in; then they go again."""
    return "I know nobody" not in hears(admin, f"/people remove {FRIEND}")


# --- who is heard -----------------------------------------------------------------------------------


def test_strangers_are_told_once_and_hold_up_nobody(world: World, stranger: Person, member: Person) -> None:
    for n in range(60):
        stranger.say(f"/review acme/shop {n}" if n % 2 else LET_IN)
    assert "What I can do" in hears(member)
    assert len(said(stranger)) == 1
    assert str(stranger.user_id) in said(stranger)[0]
    assert world.desk.api.runs(person=f"telegram:{stranger.user_id}") == []


def test_a_member_who_asks_too_often_is_told_once_and_holds_up_nobody(member: Person, url: str) -> None:
    other = Person(url, next(_members))
    for _ in range(40):
        member.say("/status")
    assert "What I can do" in hears(other)
    answers = said(member)
    assert (len(answers), len([one for one in answers if "too many for me" in one])) == (31, 1)


ELSEWHERE: dict[str, Json] = {
    "a group": {"chat": {"id": -4001, "type": "supergroup", "title": "G"}},
    "a basic group": {"chat": {"id": -4002, "type": "group", "title": "G"}},
    "a channel": {"chat": {"id": -4003, "type": "channel", "title": "C"}},
    "an anonymous admin": {
        "chat": {"id": -4001, "type": "supergroup", "title": "G"},
        "sender_chat": {"id": -4001, "type": "supergroup", "title": "G"},
    },
    "a channel in private": {"sender_chat": {"id": -4003, "type": "channel", "title": "C"}},
    "another's private chat": {"chat": {"id": FRIEND, "type": "private", "first_name": "F"}},
    "a bot": {},
    "nobody": {"from": None},
}


@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize("kind", ["message", "edited_message", "channel_post", "business_message"])
def test_only_a_person_in_private_is_heard(world: World, admin: Person, kind: str, where: str) -> None:
    body = written(admin, LET_IN, **ELSEWHERE[where])
    if where == "a bot":
        body["from"] = written(admin, "")["from"] | {"is_bot": True}
    admin.tell(kind, **body)
    assert not friends(admin)


def test_no_other_kind_of_update_does_anything(world: World, admin: Person) -> None:
    user = written(admin, "")["from"]
    chat, now = private(admin), int(time.time())
    member_then, member_now = {"status": "kicked", "user": user, "until_date": 0}, {"status": "member", "user": user}
    moved = {"chat": chat, "from": user, "date": now, "old_chat_member": member_then, "new_chat_member": member_now}
    query = {"id": "1", "from": user, "query": LET_IN, "offset": ""}
    paid = {"id": "1", "from": user, "currency": "XTR", "total_amount": 1, "invoice_payload": LET_IN}
    emoji = [{"type": "emoji", "emoji": "👍"}]
    updates: dict[str, Json] = {
        "inline_query": query,
        "chosen_inline_result": {"result_id": "1", "from": user, "query": LET_IN},
        "my_chat_member": moved,
        "chat_member": moved,
        "chat_join_request": {"chat": chat, "from": user, "user_chat_id": admin.user_id, "date": now, "bio": LET_IN},
        "message_reaction": {
            "chat": chat, "message_id": 1, "user": user, "date": now, "old_reaction": [], "new_reaction": emoji,
        },
        "pre_checkout_query": paid,
        "poll_answer": {"poll_id": "1", "user": user, "option_ids": [0]},
        "business_message": written(admin, LET_IN, business_connection_id="b"),
        "edited_business_message": written(admin, LET_IN, business_connection_id="b"),
        "message": written(admin, "", successful_payment={**paid, "telegram_payment_charge_id": "1",
                                                          "provider_payment_charge_id": "1"}),
    }  # fmt: skip
    for kind, content in updates.items():
        admin.tell(kind, **content)
    assert not friends(admin)


def test_without_a_list_nobody_is_heard(tmp_path: Path, not_telegram: str) -> None:
    bot = BotProcess(tmp_path, NOWHERE, not_telegram, ALLOWED_USERS="", ADMIN_USERS="")
    bot.start()
    try:
        for _ in range(2):
            somebody = Person(not_telegram, next(_strangers))
            somebody.say(LET_IN)
            assert "This bot is private" in somebody.wait_for(lambda _: True, 2 * SECONDS)["text"]
    finally:
        bot.kill()


def test_a_list_of_everybody_is_refused_at_start(tmp_path: Path, not_telegram: str) -> None:
    bot = BotProcess(tmp_path, NOWHERE, not_telegram, ALLOWED_USERS="*")
    bot.start()
    assert bot.wait() != 0
    assert "is not a numeric Telegram id" in bot.log.read_text()


# --- whose words they are ---------------------------------------------------------------------------

OTHERS: dict[str, Json] = {
    "forwarded": {
        "forward_origin": {
            "type": "user",
            "date": 1,
            "sender_user": {"id": FRIEND, "is_bot": False, "first_name": "F"},
        }
    },
    "forwarded, hidden": {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "F"}},
    "forwarded by an old server": {"forward_date": 1, "forward_sender_name": "F"},
    "an inline bot's": {"via_bot": {"id": 77, "is_bot": True, "first_name": "B", "username": "b_bot"}},
    "a business bot's": {"sender_business_bot": {"id": 77, "is_bot": True, "first_name": "B"}},
    "sent by itself": {"is_from_offline": True},
    "passed on by Telegram": {"is_automatic_forward": True},
    "a reply to another chat": {
        "external_reply": {"origin": {"type": "hidden_user", "date": 1, "sender_user_name": "F"}}
    },
    "asked for by another": {"guest_bot_caller_user": {"id": FRIEND, "is_bot": False, "first_name": "F"}},
}


@pytest.mark.parametrize("whose", OTHERS)
def test_what_others_wrote_commands_nothing(world: World, admin: Person, member: Person, whose: str) -> None:
    pull = world.pull()
    admin.say("hello")
    admin.tell("message", **written(admin, LET_IN, **OTHERS[whose]))
    assert not friends(admin)
    member.say("hello")
    member.tell("message", **written(member, f"/review {pull}", **OTHERS[whose]))
    hears(member)
    assert world.desk.api.runs(person=f"telegram:{member.user_id}") == []
    assert [words for words in said(member) if "you write to me yourself" in words] != []


def test_what_others_wrote_may_be_offered_and_begins_where_it_is_pressed(world: World, member: Person) -> None:
    name, number = world.pull().split()
    address = f"{world.stack.ports.url('not_github')}/{name}/pull/{number}"
    member.say("hello")
    member.tell("message", **written(member, f"look at {address}", **OTHERS["forwarded"]))
    offer = member.wait_for(lambda message: "shall I?" in message.get("text", ""), SECONDS)
    assert world.desk.api.runs(person=f"telegram:{member.user_id}") == []
    member.press(offer, "Review")
    wait_until(lambda: world.desk.api.runs(person=f"telegram:{member.user_id}"), seconds=SECONDS)


@pytest.mark.parametrize("payload", ["", " post", f" {LET_IN}", "@not_telegram_bot review_acme_shop_1"])
def test_a_deep_link_only_says_hello(world: World, admin: Person, payload: str) -> None:
    assert hears(admin, f"/start{payload}").startswith("Hello!")
    assert not friends(admin)


def test_a_name_is_nobody(world: World, url: str, admin: Person) -> None:
    body = {"user_id": next(_strangers), "first_name": "Eve", "username": "eve", "text": LET_IN}
    requests.post(f"{url}/_sim/messages", json=body, timeout=10)
    assert not friends(admin)
    assert "is not a Telegram number" in hears(admin, "/people add @eve admin")


STRANGE: dict[str, Json] = {
    "a number beyond the database's": {"from": {"id": 2**70, "is_bot": False, "first_name": "H"}},
    "a number below nothing": {"from": {"id": -1001, "is_bot": False, "first_name": "N"}},
    "a number that is none": {"from": {"id": "Eve", "is_bot": False, "first_name": "N"}},
    "an origin of tomorrow": {"forward_origin": {"type": "of_tomorrow", "date": 1}},
    "a background of tomorrow": {"chat_background_set": {"type": {"type": "of_tomorrow"}}},
    "no chat at all": {"chat": None},
    "a text that is a list": {"text": ["/help"]},
}


@pytest.mark.parametrize("how", STRANGE)
def test_an_update_that_nobody_can_read_holds_up_nobody(world: World, admin: Person, how: str) -> None:
    admin.tell("message", **written(admin, LET_IN) | STRANGE[how])
    assert not friends(admin)


# --- whose yes it is --------------------------------------------------------------------------------


def test_a_button_is_good_for_whom_it_was_shown_to_in_their_chat(
    world: World, admin: Person, member: Person, stranger: Person
) -> None:
    asked = ask(world)
    owner = asked.person
    for other in (admin, member):
        other.say("hello")
        assert tap(other, asked.post, asked.message) == "This button is not yours."
        assert tap(other, asked.post, asked.message, chat_id=owner.user_id) == "This button is not yours."
    assert tap(stranger, asked.post, asked.message, chat_id=owner.user_id) == "This button is not for you."
    assert tap(owner, asked.post, asked.message, chat_id=-4001) == "This button is not for you."
    for data in ("", "Post", "approve", str(asked.run_id), asked.post[:-1], asked.post.swapcase(), "%", "' OR 1=1 --"):
        assert tap(owner, data, asked.message) == "I do not know this button."
    for other in (admin, member):
        hears(other, "Post", reply_to=other.say("Post")["message_id"])
        other.tell("message", **written(other, "Post", reply_to_message=written(owner, "Post it?")
                                        | {"message_id": asked.message["message_id"]}))  # fmt: skip
        hears(other)
    for whose in ("forwarded", "an inline bot's", "sent by itself"):
        question = {key: value for key, value in asked.message.items() if key not in ("who", "edits", "reactions")}
        owner.tell("message", **written(owner, "Post", reply_to_message=question, **OTHERS[whose]))
    owner.edit(owner.say("no"), "Post")
    hears(owner)
    assert asked.is_unanswered()


def test_taps_from_two_devices_have_one_effect(world: World) -> None:
    asked = ask(world)
    discard = next(one["callback_data"] for one in buttons(asked.message) if one["text"] == "Discard")
    with ThreadPoolExecutor(4) as pool:
        words = list(pool.map(lambda data: tap(asked.person, data, asked.message), [asked.post] * 3 + [discard]))
    assert len([word for word in words if "answered before" in word]) == 3
    if "Discard" in words:
        wait_until(lambda: asked.run.state == "cancelled", seconds=SECONDS)
        assert world.reviews() == []
    else:
        assert asked.is_posted_once()
    assert "answered before" in tap(asked.person, asked.post, asked.message)
    with pytest.raises(StackError):
        world.desk.api.answer(asked.run_id, "approve", "Post")


def test_a_tap_while_all_are_away_counts_once(world: World) -> None:
    asked = ask(world)
    services = [world.stack.services[name] for name in ("bot", "orchestrator")]
    for service in services:
        service.crash()
    for _ in range(2):
        asked.person.press(asked.message, "Post")
    services[0].restart()
    asked.person.wait_for(lambda message: "chose Post" in message.get("text", ""), SECONDS)
    services[0].crash()
    for service in services:
        service.restart()
    assert asked.is_posted_once()
    assert "answered before" in tap(asked.person, asked.post, asked.message)
    hears(asked.person)
    assert len(world.reviews()) == 1


def test_a_tap_after_the_deadline_does_nothing_though_the_chat_knows_of_none(world: World) -> None:
    asked = ask(world)
    with closing(sqlite3.connect(world.stack.folder / "orchestrator/orchestrator.sqlite", timeout=10)) as store:
        store.execute("UPDATE gates SET until = '2020-01-01 00:00:00' WHERE run_id = ?", (str(asked.run_id),))
        store.commit()
    tap(asked.person, asked.post, asked.message)
    wait_until(lambda: asked.run.state not in ("waiting", "running"), seconds=SECONDS)
    assert world.reviews() == []
    assert "Post" not in {gate.answer for gate in asked.run.gates}


def test_who_was_an_admin_when_it_was_asked_answers_nothing_afterwards(
    world: World, admin: Person, stranger: Person
) -> None:
    friend = stranger  # whom the settings do not name
    for person in (admin, friend):
        person.say("hello")
    hears(admin, f"/people add {friend.user_id} admin")
    repository, number = world.pull().split()
    world.desk.api.start({"verb": "review", "repository": repository, "number": int(number), "approval": True})
    asked_of = asked(world, friend)
    for change, words in (("add {} viewer", "You may look"), ("remove {}", "This button is not for you.")):
        hears(admin, f"/people {change.format(friend.user_id)}")
        friend.say("Post", reply_to=asked_of.message["message_id"])
        assert words in tap(friend, asked_of.post, asked_of.message)
    hears(admin, f"/people add {friend.user_id} requester")
    tap(friend, asked_of.post, asked_of.message)
    friend.wait_for(lambda message: "There is no such run of yours." in message.get("text", ""), SECONDS)
    assert asked_of.is_unanswered()
    world.desk.api.cancel(asked_of.run_id)


# --- who says so ------------------------------------------------------------------------------------


def test_no_token_but_the_owners_answers(world: World) -> None:
    asked = ask(world)
    answer = f"{world.stack.ports.url('orchestrator')}/runs/{asked.run_id}/answer"
    body = {"question": "approve", "choice": "Post"}
    tokens = {name: world.stack.secret(name, "API_TOKEN") for name in CALLERS if name != "cli"}
    for token in (*tokens.values(), "", "x", f"telegram:{asked.person.user_id}"):
        for path in ("answer", "cancel", "retry"):
            headers = {"Authorization": f"Bearer {token}", "X-Person": "cli"}
            said = requests.post(answer.replace("answer", path), json=body, headers=headers, timeout=10)
            assert said.status_code in (401, 403)
    owners = {"Authorization": f"Bearer {world.stack.secret('cli', 'API_TOKEN')}"}
    for more in ({"digest": "0" * 64}, {"choice": "post"}, {"question": "cost"}):
        assert requests.post(answer, json=body | more, headers=owners, timeout=10).status_code == 409
    smuggled = body | {"person": {"id": f"telegram:{asked.person.user_id}", "standing": "admin"}}
    assert requests.post(answer, json=smuggled, headers=owners, timeout=10).status_code == 400
    assert asked.is_unanswered()


def test_on_the_broker_the_bot_alone_speaks_and_for_people_of_the_chat_alone(world: World, member: Person) -> None:
    asked = ask(world)
    member.say("hello")
    yes = Answer(run_id=asked.run_id, question="approve", choice="Post")
    owner = f"telegram:{asked.person.user_id}"
    for user in sorted({*USERS} - {"bot", "orchestrator", "cli"}):
        with pytest.raises(StackError):
            send(world, user, Request(person=Somebody(id=owner), ask=yes))
    for person in (
        Somebody(id="cli", standing="admin"),
        Somebody(id="clock", standing="admin"),
        Somebody(id="hook", standing="admin"),
        Somebody(id="clock:nightly", standing="admin"),
        Somebody(id="Telegram:1", standing="admin"),
        Somebody(id=owner, standing="viewer"),
        Somebody(id=f"telegram:{member.user_id}", standing="viewer"),
        Somebody(id=f"telegram:{member.user_id}"),
    ):
        for what in (yes, Cancel(run_id=asked.run_id)):
            send(world, "bot", Request(person=person, ask=what))
    wait_until(lambda: len([words for words in said(member) if "no such run of yours" in words]) == 4, seconds=SECONDS)
    assert asked.is_unanswered()


def send(world: World, user: str, message: Message) -> None:
    """Publishes as a service's user of the broker. Raises StackError where it may not."""
    publisher = Publisher(world.stack.secret(user, "BROKER_URL"), user)
    publisher.start()
    try:
        publisher.publish(message)
    finally:
        publisher.stop()
