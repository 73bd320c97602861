"""A text that is no command: an answer, a word to whoever works for a run, something to begin, or just talk."""

from functools import partial

from bot import texts
from bot.commands import Arguments, StartCommand, example, how_with_files
from bot.desk import Desk, Written, check
from bot.markup import line, seen
from bot.memory.questions import Asked
from stack.errors import GiveUp
from stack.logs import about
from stack.people import Person
from stack.work.kinds import Answer, Start, Steer

NOT_YOURS = "I do what you write to me yourself, in words: nothing of what is forwarded, or sent for you."
LONGEST_TEXT = 4000  # of an answer, and of a word to a run


class Talk:
    """Finds out what a text is, and does it: a reply is about the message it answers, any other about what waits."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def hear(self, written: Written) -> None:
        """Raises GiveUp with words for the person, or TryAgain."""
        asked = self._asked(written)
        if asked:
            await self._answer(written, asked)
        elif written.document:
            raise GiveUp(f"What shall I do with “{written.document.name}”? {how_with_files(self._desk)}")
        elif not await self._steered(written) and not await self._offered(written):
            await self._desk.reply(written, self._no_conversation(written.person))

    async def look_at(self, written: Written) -> None:
        """What somebody else wrote answers nothing and begins nothing; what it is about may be offered.

        Raises GiveUp with words for the person.
        """
        if written.document or not await self._offered(written):
            raise GiveUp(NOT_YOURS)

    # --- answers ------------------------------------------------------------------------------------

    def _asked(self, written: Written) -> Asked | None:
        """The question that a text answers. Raises GiveUp where it could be several."""
        if written.reply_to is not None:
            return self._desk.memory.questions.find(written.chat_id, written.reply_to)
        waiting = self._desk.memory.questions.waiting_for_text(written.chat_id)
        if not waiting or not written.text or written.document:
            return None
        if len(waiting) > 1:
            raise GiveUp(f"{len(waiting)} questions wait for an answer of yours. Reply to the one that you mean.")
        return waiting[0]

    async def _answer(self, written: Written, asked: Asked) -> None:
        check(written.person, "start")
        if not asked.open():
            raise GiveUp("That question was answered before, or its time is over.")
        text = written.text or (written.document.name if written.document else "")
        choice = _choice(text, asked)
        files = await self._desk.documents.take(written.document)
        answer = Answer(run_id=asked.run_id, question=asked.question, choice=choice, digest=asked.digest)
        settle = partial(self._desk.memory.settle, asked.run_id, chat_id=asked.chat_id, question=asked.question)
        with about(asked.run_id):
            confirmed = await self._desk.send(written.request(answer, files), written.update_id, settle)
        shown = texts.answered(asked.markup, written.name, choice)
        await self._desk.telegram.try_to_edit(asked.chat_id, asked.message_id, shown)
        said = f"Taken as your answer: <b>{line(choice, 200)}</b>"
        await self._desk.reply(written, said if confirmed else texts.accepted("counts", seen(choice, 200)))

    # --- a word to a run ----------------------------------------------------------------------------

    async def _steered(self, written: Written) -> bool:
        """Passes on what answers a message about a run. False where it answers no such message."""
        run_id = written.reply_to and self._desk.memory.runs.about(written.chat_id, written.reply_to)
        if not run_id or not written.text:
            return False
        check(written.person, "start")
        run = self._desk.memory.runs.find(run_id)
        if run and run.ended:
            raise GiveUp(f"{run.title} has already ended, so nobody would read that.")
        if len(written.text) > LONGEST_TEXT:
            raise GiveUp(f"That is too long: I can pass on {LONGEST_TEXT} characters.")
        with about(run_id):
            steer = written.request(Steer(run_id=run_id, text=written.text))
            confirmed = await self._desk.send(steer, written.update_id)
        title = run.title if run else "the run"
        said = f"Passed on to whoever works for {line(title)}."
        await self._desk.reply(written, said if confirmed else texts.accepted("is passed on", title))
        return True

    # --- something to begin, or talk ----------------------------------------------------------------

    async def _offered(self, written: Written) -> bool:
        """Offers to begin what a text is about. False where that is nothing to begin."""
        arguments = Arguments(written.text, self._desk.github)
        for command in self._desk.commands.values():
            if isinstance(command, StartCommand) and (offers := command.offers(arguments)):
                check(written.person, command.right)
                await self._offer(written, offers, command.remark(arguments))
                return True
        return False

    async def _offer(self, written: Written, offers: tuple[tuple[str, Start], ...], remark: str) -> None:
        keys = self._desk.buttons.to_begin(written.id, written.chat_id, offers)
        words = f"{line(remark)}\n" if remark else ""
        title = line(offers[0][1].title())
        await self._desk.telegram.send(
            written.chat_id, f"{words}{title}: shall I?", reply_to=written.message_id, keys=keys
        )

    def _no_conversation(self, person: Person) -> str:
        works = f" What works is, for example, {example(self._desk)}." if person.may("start") else ""
        return f"I cannot hold a conversation yet.{works} /help shows what I can do."


def _choice(text: str, asked: Asked) -> str:
    """What a text says to a question: one of its choices however it is written, or the text where that is free."""
    for choice in asked.choices:
        if text.strip().casefold() == choice.casefold():
            return choice
    if not asked.free:
        raise GiveUp(
            f"That question has {len(asked.choices)} answers: {', '.join(asked.choices)}. Press one of its buttons."
        )
    if len(text) > LONGEST_TEXT:
        raise GiveUp(f"That is too long: an answer has up to {LONGEST_TEXT} characters.")
    return text
