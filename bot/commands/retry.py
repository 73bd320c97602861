"""/retry: has what failed of a run done again: of the newest that ended, of the one that is answered, or named."""

from functools import partial

from bot import texts
from bot.buttons import RETRY
from bot.commands import Command
from bot.desk import Desk, Written
from bot.markup import line
from bot.named import Named, known, named, read_short_id
from stack.errors import GiveUp
from stack.work.kinds import Retry as RetryRun

FORM = "Write /retry for the newest that ended, /retry with the six letters of a run, or reply /retry to its message."


class Retry(Command):
    """Goes on from what failed, in a run of one's own; an admin also in those of others, by their letters."""

    summary = "Try again what failed"
    examples = ("/retry",)
    hint = (
        "Where something failed, press Try again under how it ended, or reply /retry: what was done is not done twice."
    )
    place = 35
    right = "start"

    async def handle(self, written: Written, desk: Desk) -> None:
        letters = read_short_id(written.text, FORM)
        run = await named(letters, written, desk, FORM) or _newest(written, desk)
        settle = partial(desk.memory.buttons.use, run.run_id, question=RETRY)
        confirmed = await desk.send(written.request(RetryRun(run_id=run.run_id)), written.update_id, settle)
        said = f"Trying again: {line(run.title)}" if confirmed else texts.accepted("is tried again", run.title)
        await desk.reply(written, said)


def _newest(written: Written, desk: Desk) -> Named:
    run = desk.memory.runs.newest(written.chat_id, ended=True)
    if run is None:
        raise GiveUp(f"Nothing that you began here has ended. {FORM}")
    return known(run)
