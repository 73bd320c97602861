"""/people: who may use this bot, and as what. Admins give standings here; those of the settings stay as they are.

People are named by Telegram's number alone: a name is what anybody calls themselves, and gives no right.
"""

import re
from typing import get_args

from bot.commands import Command
from bot.desk import Desk, Written
from bot.markup import code, line, with_article
from bot.people import People as Known
from stack.errors import GiveUp
from stack.people import Standing

FORM = "Write /people, /people add 1234 approver, or /people remove 1234, with the number that I tell a stranger."
STANDINGS = get_args(Standing)
MEANING = "\n".join(
    [
        "<i>viewer</i> sees runs",
        "<i>requester</i> also begins them, and answers for their own",
        "<i>approver</i> also answers for others",
        "<i>admin</i> also stops the runs of others, and says who may do what",
    ]
)


class People(Command):
    """Lists people, adds and removes them."""

    summary = "Who may do what"
    examples = ("/people", "/people add 1234 approver", "/people remove 1234")
    place = 80
    right = "manage"

    async def handle(self, written: Written, desk: Desk) -> None:
        match written.text.split():
            case []:
                await desk.reply(written, _list(desk.people))
            case ["add", number]:
                await _add(written, desk, _id(number), "requester")
            case ["add", number, standing]:
                await _add(written, desk, _id(number), _standing(standing))
            case ["remove", number]:
                await _remove(written, desk, _id(number))
            case _:
                raise GiveUp(f"I cannot read that. {FORM}")


async def _add(written: Written, desk: Desk, user_id: int, standing: Standing) -> None:
    if user_id in desk.people.admins_by_settings:
        raise GiveUp(f"{user_id} is an admin because ADMIN_USERS says so; change it there.")
    fresh = desk.people.find(user_id) is None
    desk.people.table.give(user_id, standing, made_by=written.chat_id)
    await desk.reply(written, f"{_called(user_id, desk.people)} is now {with_article(standing)}.")
    if fresh:  # they wrote before, or they would have no number to tell; where they did not, Telegram refuses
        await desk.telegram.say(
            user_id, f"You may use this bot now, as {with_article(standing)}. /help shows what works."
        )


async def _remove(written: Written, desk: Desk, user_id: int) -> None:
    name, given = _called(user_id, desk.people), desk.people.table.take(user_id)
    if user_id in desk.people.admins_by_settings:
        raise GiveUp(f"{user_id} is an admin because ADMIN_USERS says so; take them out there.")
    if user_id in desk.people.allowed:
        words = f"{name} stays a requester, because ALLOWED_USERS says so: take them out there."
        await desk.reply(written, f"{words} Until then {code(f'/people add {user_id} viewer')} lets them only look.")
    elif given:
        await desk.reply(
            written, f"{name} may no longer use this bot. What they began goes on; its words go to admins."
        )
    else:
        raise GiveUp(f"I know nobody with the number {user_id}.")


def _list(people: Known) -> str:
    lines = [
        f"{standing} · {_called(user_id, people)}{_why(user_id, people)}"
        for user_id, standing in people.everybody().items()
    ]
    return "\n".join(["<b>Who may use this bot</b>", *lines, "", MEANING, "", line(FORM)])


def _why(user_id: int, people: Known) -> str:
    if user_id in people.admins_by_settings:
        return " · ADMIN_USERS"
    return "" if people.table.standing(user_id) else " · ALLOWED_USERS"


def _called(user_id: int, people: Known) -> str:
    name = people.table.name(user_id)
    return f"{line(name, 60)} ({code(str(user_id))})" if name else code(str(user_id))


def _id(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,15}", text):
        raise GiveUp(f"“{text[:60]}” is not a Telegram number. {FORM}")
    return int(text)


def _standing(text: str) -> Standing:
    for standing in STANDINGS:
        if text.lower() == standing:
            return standing  # type: ignore[no-any-return]
    raise GiveUp(f"“{text[:60]}” is none of {', '.join(STANDINGS)}. {FORM}")
