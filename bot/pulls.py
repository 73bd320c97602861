"""Pull requests as people write them: `acme/shop 12`, `acme/shop#12`, an address of the GitHub that is worked with."""

import re
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from stack.errors import GiveUp, Refused
from stack.values import REPOSITORY_PATTERN, PullNumber

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
_NUMBERS: TypeAdapter[int] = TypeAdapter(PullNumber)


def named(text: str, github: str) -> tuple[str, int]:
    """Repository and number of the pull request that a text names; `github` is the address of the one worked with.

    Raises GiveUp in words where it names none, Refused where that is one of another host.
    """
    bare = _bare(text)
    if not bare:
        raise GiveUp("Which pull request?")
    found = _read(bare, github)
    if found is None:
        raise GiveUp(f"I cannot read “{_shown(bare)}” as a pull request.")
    return _checked(*found)


def remark(text: str) -> str:
    """What to say of the way in which a pull request was named; nothing if empty."""
    found = _ADDRESS.fullmatch(_bare(text))
    if found is None or found["kind"].lower() == "pull":
        return ""
    return (
        "That is the address of an issue. GitHub numbers issues and pull requests together, so I read it as pull "
        f"request {int(found['number'])}."
    )


def mentioned(words: list[str], github: str) -> tuple[str, int] | None:
    """The one pull request that a text without a command is about; None where there is none, or more than one.

    Raises GiveUp where the text is nothing but the name of one that there cannot be.
    """
    alone = len(words) == 1
    found = [one for one in {_read(_bare(word), github, strict=alone) for word in words} if one]
    if len(found) != 1 or not (alone or re.fullmatch(REPOSITORY_PATTERN, found[0][0])):
        return None
    return _checked(*found[0])


def _bare(text: str) -> str:
    return " ".join(text.split()).lstrip(_BEFORE).rstrip(_BEHIND)


def _read(target: str, github: str, *, strict: bool = True) -> tuple[str, int] | None:
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


def _checked(repository: str, number: int) -> tuple[str, int]:
    if not re.fullmatch(REPOSITORY_PATTERN, repository):
        raise GiveUp(f"“{_shown(repository)}” is not the name of a repository.")
    try:
        return repository, _NUMBERS.validate_python(number)
    except ValidationError:
        raise GiveUp(f"There is no pull request number {number}.") from None


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
