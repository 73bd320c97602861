"""/dismiss: a finding is not said again in its repository. It is named by its number in what a run has told."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot import texts
from bot.commands import Command
from bot.desk import Desk, Written
from bot.named import named
from stack.errors import GiveUp
from stack.ids import task_id
from stack.messages import Request
from stack.work.review import Dismiss as DismissFinding

FORM = (
    "Reply /dismiss 2 to how a run ended, or write /dismiss with the six letters of the run and the number of the "
    "finding. Several numbers are divided by commas, and a reason may stand behind them."
)
MOST_NUMBERS = 20
LONGEST_REASON = 1000
_RUN = re.compile(r"(?P<run>[0-9a-f]{6})(?:\s+(?P<rest>.*))?", re.DOTALL | re.IGNORECASE)
_NUMBERS = re.compile(  # `1 3, 5` and nothing else, or `1, 3` and perhaps a reason
    r"(?P<numbers>[0-9]{1,3}(?:[\s,]+[0-9]{1,3})*(?=\Z)|[0-9]{1,3}(?:\s*,\s*[0-9]{1,3})*)(?:\s+(?P<reason>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Meant:
    """What is to be dismissed: the letters of a run (none: of the one that is answered), numbers, and why."""

    letters: str
    numbers: tuple[int, ...]
    reason: str


class Dismiss(Command):
    """Dismisses findings of a run of one's own; an admin also of those of others."""

    summary = "Say no more of a finding"
    examples = ("/dismiss a1b2c3 2 it is meant so",)
    hint = "Reply <code>/dismiss 2</code> to a result, and its finding 2 is not said again in that repository."
    place = 40
    right = "start"

    async def handle(self, written: Written, desk: Desk) -> None:
        meant = read(written.text)
        run = await named(meant.letters, written, desk, FORM)
        if run is None:
            raise GiveUp(f"Of which run? {FORM}")
        asks = [DismissFinding(run_id=run.run_id, number=number, reason=meant.reason) for number in meant.numbers]
        if not await desk.send_all(
            _requests(written, asks), written.update_id
        ):  # else the orchestrator says which ones they are
            await desk.reply(written, texts.accepted("is dismissed", run.title))


def read(text: str) -> Meant:
    """What stands behind the command. Raises GiveUp with the right form."""
    given, letters = text.strip(), ""
    if found := _RUN.fullmatch(given):
        letters, given = found["run"].lower(), found["rest"] or ""
    found = _NUMBERS.fullmatch(given.strip())
    if found is None:
        raise GiveUp(f"Which finding? {FORM}")
    numbers = tuple(dict.fromkeys(map(int, re.findall(r"[0-9]+", found["numbers"]))))
    if 0 in numbers or len(numbers) > MOST_NUMBERS:
        raise GiveUp(f"Findings are numbered from 1, and {MOST_NUMBERS} at once are most. {FORM}")
    reason = " ".join((found["reason"] or "").split())
    if len(reason) > LONGEST_REASON:
        raise GiveUp(f"That is too long: a reason has up to {LONGEST_REASON} characters.")
    return Meant(letters, numbers, reason)


def _requests(written: Written, asks: Sequence[DismissFinding]) -> list[Request]:
    """One for each, with ids that the same message always gives."""
    first, *others = asks
    made = [written.request(ask).model_copy(update={"id": task_id(written.id, str(ask.number))}) for ask in others]
    return [written.request(first), *made]
