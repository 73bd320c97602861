"""Errors that a caller acts on, named by what to do next.

StackError
├── TryAgain   a passing fault: the same call may succeed later, where it is known after so many seconds
└── GiveUp     final: trying again would not help; the text is for a person to read
    ├── NotThere   what is asked about is not there, or is not the caller's to know
    └── Refused    the caller may not do this (a token, a right, a limit)
"""


class StackError(Exception):
    """Base of the errors that services raise on purpose."""


class TryAgain(StackError):
    """A passing fault; the same call may succeed later.

    `after` is for a refusal that passes by itself: seconds that the other side asks to wait, or a sensible pause. It is
    not a fault of ours, so it costs no attempt.
    """

    def __init__(self, text: str = "", *, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after


class GiveUp(StackError):
    """Final; the text says why, in words for the person who asked."""


class NotThere(GiveUp):
    """What is asked about is not there, or is not the caller's to know."""


class Refused(GiveUp):
    """The caller may not do this."""
