"""Commands: a file of this folder for each, found by being there and named like the command.

The menu, /help and what an update leads to are made from what is found. A command that begins a workflow is a
StartCommand; any other says itself what it does.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError

from bot.desk import Desk, Written
from bot.markup import code, line
from stack.errors import GiveUp, Refused
from stack.people import Right
from stack.work import complaint
from stack.work.kinds import Start


class Command(ABC):
    """Something that a person can write after a slash."""

    summary: ClassVar[str]
    examples: ClassVar[tuple[str, ...]]
    hint: ClassVar[str] = ""  # HTML that /help has besides
    place: ClassVar[int | None] = None  # in the menu and in /help, where it stands in them
    right: ClassVar[Right] = "look"  # what a person needs to use it
    takes_file: ClassVar[bool] = False  # whether somebody reads what is sent with it

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    async def handle(self, written: Written, desk: Desk) -> None:
        """Does what the command says. Raises GiveUp with words for the person, or TryAgain."""


@dataclass(frozen=True)
class Arguments:
    """What stands behind a command. `github` is the address of the GitHub that is worked with."""

    text: str
    github: str

    @property
    def words(self) -> list[str]:
        """The text, divided at spaces."""
        return self.text.split()


class StartCommand(Command):
    """Begins a run of the workflow that its ask names."""

    right = "start"
    form: ClassVar[str]  # how it is written rightly, for those who wrote it otherwise

    @abstractmethod
    def read(self, arguments: Arguments) -> Start:
        """What is asked for. Raises GiveUp, or pydantic's ValidationError, where that cannot be read; Refused where it
        can, and may not be."""

    def remark(self, arguments: Arguments) -> str:
        """What to say of the way in which it was written; nothing if empty."""
        return ""

    def offers(self, arguments: Arguments) -> tuple[tuple[str, Start], ...]:
        """What a text without a command may mean: a button's label, and what is begun where it is pressed.

        Raises GiveUp where it is clear what the text means, and why that cannot be.
        """
        return ()

    async def handle(self, written: Written, desk: Desk) -> None:
        arguments = Arguments(written.text, desk.github)
        ask = self._checked(arguments)
        files = await desk.documents.take(written.document)
        if remark := self.remark(arguments):
            await desk.reply(written, line(remark))
        await desk.begin(written.request(ask, files), written.update_id, ask)

    def _checked(self, arguments: Arguments) -> Start:
        try:
            return self.read(arguments)
        except ValidationError as error:
            raise GiveUp(f"I cannot read that: {complaint(error)}. {self.form}") from None
        except Refused:  # it was written rightly, and may not be
            raise
        except GiveUp as error:
            raise GiveUp(f"{error} {self.form}") from None


def found() -> Mapping[str, Command]:
    """Every command by its name: those of the menu in its order, then the others."""
    modules = [importlib.import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__)]
    commands = []
    for module in modules:
        name = module.__name__.rpartition(".")[2]
        kinds = [kind for kind in vars(module).values() if _is_command(kind) and kind.__module__ == module.__name__]
        if len(kinds) != 1:
            raise TypeError(f"bot/commands/{name}.py must have one command, and has {len(kinds)}")
        commands.append(kinds[0](name))
    commands.sort(key=lambda command: (command.place is None, command.place, command.name))
    return {command.name: command for command in commands}


def example(desk: Desk) -> str:
    """How the first command that begins something is written."""
    return next(code(one.examples[0]) for one in desk.commands.values() if isinstance(one, StartCommand))


def how_with_files(desk: Desk) -> str:
    """What a file can be sent with."""
    takers = " or ".join(f"/{one.name}" for one in desk.commands.values() if one.takes_file)
    caption = f"with {takers} in its caption, or " if takers else ""
    return f"I read a file {caption}as a reply to a question that takes an answer of your own."


def _is_command(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Command)
