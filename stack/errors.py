"""Errors that a caller acts on, named by what to do next.

StackError
├── TryAgain   a passing fault: the same call may succeed later
└── GiveUp     final: trying again would not help; the text is for a person to read
    └── Refused    the caller may not do this (a token, a right, a limit)
"""


class StackError(Exception):
    """Base of the errors that services raise on purpose."""


class TryAgain(StackError):
    """A passing fault; the same call may succeed later."""


class GiveUp(StackError):
    """Final; the text says why, in words for the person who asked."""


class Refused(GiveUp):
    """The caller may not do this."""
