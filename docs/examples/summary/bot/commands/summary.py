"""/summary: a few lines on what a pull request does."""

from bot import pulls
from bot.commands import Arguments, StartCommand
from stack.work.summary import StartSummary


class Summary(StartCommand):
    """A summary of one pull request."""

    summary = "Summarise a pull request"
    examples = ("/summary acme/shop 12",)
    place = 15
    form = "Write it like this: /summary acme/shop 12, or with the address of the pull request."

    def read(self, arguments: Arguments) -> StartSummary:
        repository, number = pulls.named(arguments.text, arguments.github)
        return StartSummary(repository=repository, number=number)

    def remark(self, arguments: Arguments) -> str:
        return pulls.remark(arguments.text)
