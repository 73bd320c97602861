"""People as the bot knows them: who may do what, who is told of a run, and what they are called."""

import re
from collections.abc import Mapping

from bot.memory.people import PeopleTable
from stack.people import Person, Standing


class People:
    """Standings from the settings and from the chat: ADMIN_USERS come first, then what was said in chat, then
    ALLOWED_USERS, who are requesters."""

    def __init__(self, *, allowed: frozenset[int], admins: frozenset[int], table: PeopleTable) -> None:
        self.allowed = allowed
        self.admins_by_settings = admins
        self.table = table

    def find(self, user_id: int) -> Person | None:
        """The person with this Telegram id; None for a stranger."""
        standing = self._standing(user_id)
        return Person(id=f"telegram:{user_id}", standing=standing) if standing else None

    def everybody(self) -> Mapping[int, Standing]:
        """All who may use the bot, those with the highest standing first."""
        ids = sorted({*self.allowed, *self.admins_by_settings, *self.table.standings()})
        found = {user_id: standing for user_id in ids if (standing := self._standing(user_id))}
        order = ("admin", "approver", "requester", "viewer")
        return dict(sorted(found.items(), key=lambda one: order.index(one[1])))

    def told_for(self, person_id: str) -> tuple[int, ...]:
        """Whom a notification for a person goes to: they themselves where they use this bot, else all admins."""
        user_id = telegram_id(person_id)
        if user_id is not None and self._standing(user_id):
            return (user_id,)
        return self.admins()

    def admins(self) -> tuple[int, ...]:
        """All admins, by the settings or by what was said in chat."""
        return tuple(one for one, standing in self.everybody().items() if standing == "admin")

    def called(self, person_id: str) -> str:
        """What a person is called, for others to read: a text of theirs."""
        user_id = telegram_id(person_id)
        return (self.table.name(user_id) if user_id is not None else "") or person_id

    def _standing(self, user_id: int) -> Standing | None:
        if user_id in self.admins_by_settings:
            return "admin"
        return self.table.standing(user_id) or ("requester" if user_id in self.allowed else None)


def telegram_id(person_id: str) -> int | None:
    """The Telegram id in a person's id; None for one of another way."""
    found = re.fullmatch(r"telegram:([0-9]{1,16})", person_id)
    return int(found[1]) if found else None
