"""People: a value that is the same in chat, on the command line and in the API, and what each of them may do."""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from stack.values import Value

Standing = Literal["admin", "approver", "requester", "viewer"]
# look: see runs; start: begin one, stop and answer one's own; approve: answer those of others; manage: people, and
# the runs of others
Right = Literal["look", "start", "approve", "manage"]

RIGHTS: Mapping[Standing, frozenset[Right]] = {
    "viewer": frozenset({"look"}),
    "requester": frozenset({"look", "start"}),
    "approver": frozenset({"look", "start", "approve"}),
    "admin": frozenset({"look", "start", "approve", "manage"}),
}
# Ways on which somebody decides, by the ids of who comes there: all others are a clock's, a hook's, a machine's.
HUMANS = re.compile(r"cli|telegram:[0-9]{1,16}")


class Person(Value):
    """Who asks or answers. `id` names the way and the account there: `telegram:1001`, `cli`, `clock`."""

    id: str = Field(min_length=1, max_length=100)
    standing: Standing = "requester"

    @property
    def is_human(self) -> bool:
        """Whether somebody decides there: what comes from a clock or a hook is never an answer."""
        return HUMANS.fullmatch(self.id) is not None

    def may(self, right: Right) -> bool:
        """Whether this person has a right."""
        return right in RIGHTS[self.standing]
