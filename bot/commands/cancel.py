"""/cancel: stops a run: the newest of one's own, the one whose message is answered, or the one that is named."""

from uuid import UUID

from bot import texts
from bot.buttons import CANCEL
from bot.commands import Command
from bot.desk import Desk, Written
from bot.markup import line
from bot.named import Named, known, named, read_short_id
from stack.errors import GiveUp
from stack.work.kinds import Cancel as CancelRun

FORM = "Write /cancel for the newest, /cancel with the six letters of a run, or reply /cancel to its message."


class Cancel(Command):
    """Stops a run of one's own; an admin also those of others, by their letters."""

    summary = "Stop a run"
    examples = ("/cancel",)
    hint = "To stop a run, press Cancel under its message, or reply /cancel to it."
    place = 30
    right = "start"

    async def handle(self, written: Written, desk: Desk) -> None:
        letters = read_short_id(written.text, FORM)
        run = await named(letters, written, desk, FORM) or _newest(written, desk)
        if run.ended:
            raise GiveUp(f"{run.title} has already ended.")
        confirmed = await desk.send(written.request(CancelRun(run_id=run.run_id)), written.update_id)
        show_stopping(run.run_id, desk)
        said = f"Stopping: {line(run.title)}" if confirmed else texts.accepted("is stopped", run.title)
        await desk.reply(written, said)


def show_stopping(run_id: UUID, desk: Desk) -> None:
    """Shows in a run's live message that it is being stopped."""
    desk.memory.buttons.use(run_id, question=CANCEL)
    desk.live.add_step(run_id, "stopping", passing=True)


def _newest(written: Written, desk: Desk) -> Named:
    run = desk.memory.runs.newest(written.chat_id, ended=False)
    if run is None:
        raise GiveUp(f"Nothing that you began here is running. {FORM}")
    return known(run)
