"""/review: a review of one pull request, with or without a look at the findings before they are posted."""

from bot import pulls
from bot.commands import Arguments, StartCommand
from stack.work.review import StartReview

FLAGS = ("ask", "fresh")


class Review(StartCommand):
    """A review of one pull request."""

    summary = "Review a pull request"
    examples = ("/review acme/shop 12",)
    hint = (
        "A pull request may also be written <code>acme/shop#12</code> or as its address; send me that alone, and I "
        "offer to review it. With <code>ask</code> at the end I show you the findings before anything is posted: "
        "<code>/review acme/shop 12 ask</code>. With <code>fresh</code> all is read anew, also what was read for the "
        "last review and is unchanged"
    )
    place = 10
    form = (
        "Write it like this: /review acme/shop 12, or with the address of the pull request. "
        "Add the word ask to see the findings before they are posted."
    )

    def read(self, arguments: Arguments) -> StartReview:
        target, flags = _target(arguments)
        repository, number = pulls.named(target, arguments.github)
        return StartReview(repository=repository, number=number, approval="ask" in flags, fresh="fresh" in flags)

    def remark(self, arguments: Arguments) -> str:
        return pulls.remark(_target(arguments)[0])

    def offers(self, arguments: Arguments) -> tuple[tuple[str, StartReview], ...]:
        meant = pulls.mentioned(arguments.words, arguments.github)
        if meant is None:
            return ()
        ask = StartReview(repository=meant[0], number=meant[1])
        return ("Review", ask), ("Review, ask before posting", ask.model_copy(update={"approval": True}))


def _target(arguments: Arguments) -> tuple[str, set[str]]:
    """What is to be reviewed, as it was written, and which of FLAGS stand behind it."""
    words, flags = list(arguments.words), set[str]()
    while words and words[-1].lower() in FLAGS:
        flags.add(words.pop().lower())
    return " ".join(words), flags
