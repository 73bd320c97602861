"""/review: which pull request is meant, in each of the ways in which people write it."""

import re
from urllib.parse import urlsplit

from pydantic import ValidationError

from bot.commands import Arguments, StartCommand
from stack.errors import GiveUp, Refused
from stack.values import REPOSITORY_PATTERN
from stack.work.review import StartReview

# What people and programs put around an address: all else that is around it makes it unreadable.
_BEFORE, _BEHIND = "<([{\"'“«*_`", ">)]}\"'”»*_`.,;:!?…"
_NAME = r"(?P<repository>[^\s/#]+/[^\s/#]+)"
_NUMBER = r"(?P<number>[0-9]{1,20})"
_SHORT = re.compile(rf"{_NAME}#{_NUMBER}")
_TWO_WORDS = re.compile(rf"{_NAME}\s+#?{_NUMBER}")
_ADDRESS = re.compile(
    rf"(?:(?P<scheme>https?)://)?(?P<host>[a-z0-9][a-z0-9.-]*(?::[0-9]{{1,5}})?)/{_NAME}/(?P<kind>pull|issues)/{_NUMBER}"
    r"(?:[/?#][a-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?",
    re.IGNORECASE | re.ASCII,
)
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class Review(StartCommand):
    """A review of one pull request."""

    summary = "Review a pull request"
    examples = ("/review acme/shop 12",)
    hint = (
        "A pull request may also be written <code>acme/shop#12</code> or as its address; send me that alone, and I "
        "offer to review it. With <code>ask</code> at the end I show you the findings before anything is posted: "
        "<code>/review acme/shop 12 ask</code>"
    )
    place = 10
    form = (
        "Write it like this: /review acme/shop 12, or with the address of the pull request. "
        "Add the word ask to see the findings before they are posted."
    )

    def read(self, arguments: Arguments) -> StartReview:
        target, approval = _target(arguments)
        if not target:
            raise GiveUp("Which pull request?")
        read = _pull(target, arguments.github)
        if read is None:
            raise GiveUp(f"I cannot read “{_shown(target)}” as a pull request.")
        return _checked(*read, approval)

    def remark(self, arguments: Arguments) -> str:
        found = _ADDRESS.fullmatch(_target(arguments)[0])
        if found is None or found["kind"].lower() == "pull":
            return ""
        return (
            "That is the address of an issue. GitHub numbers issues and pull requests together, so I read it as pull "
            f"request {int(found['number'])}."
        )

    def offers(self, arguments: Arguments) -> tuple[tuple[str, StartReview], ...]:
        alone = len(arguments.words) == 1
        pulls = {_pull(_bare(word), arguments.github, strict=alone) for word in arguments.words}
        meant = [pull for pull in pulls if pull]
        if len(meant) != 1 or not (alone or re.fullmatch(REPOSITORY_PATTERN, meant[0][0])):
            return ()
        ask = _checked(*meant[0], False)
        return ("Review", ask), ("Review, ask before posting", ask.model_copy(update={"approval": True}))


def _target(arguments: Arguments) -> tuple[str, bool]:
    """What is to be reviewed, as it was written, and whether `ask` stands behind it."""
    words = arguments.words
    approval = bool(words) and words[-1].lower() == "ask"
    return _bare(" ".join(words[:-1] if approval else words)), approval


def _bare(text: str) -> str:
    return text.lstrip(_BEFORE).rstrip(_BEHIND)


def _pull(target: str, github: str, *, strict: bool = True) -> tuple[str, int] | None:
    """Repository and number; None where it is no pull request. Raises Refused where it is one of another host."""
    if found := _SHORT.fullmatch(target) or _TWO_WORDS.fullmatch(target):
        return found["repository"], int(found["number"])
    found = _ADDRESS.fullmatch(target)
    if found is None:
        return None
    ours, theirs = _host(github), _host(f"{found['scheme'] or urlsplit(github).scheme}://{found['host']}")
    # which leads to github.com, and is the only other name that it has
    if theirs == ours or (ours, theirs) == ("github.com", "www.github.com"):
        return found["repository"], int(found["number"])
    if strict:
        raise Refused(f"That is an address at {theirs}, and I work with {ours} alone.")
    return None


def _host(url: str) -> str:
    """Host and port of an address, in the one way to write them."""
    parts = urlsplit(url.lower())
    return parts.netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))


def _checked(repository: str, number: int, approval: bool) -> StartReview:
    try:
        return StartReview(repository=repository, number=number, approval=approval)
    except ValidationError as error:
        if error.errors()[0]["loc"] == ("number",):
            raise GiveUp(f"There is no pull request number {number}.") from None
        raise GiveUp(f"“{_shown(repository)}” is not the name of a repository.") from None


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
