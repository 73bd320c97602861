"""Bare mirrors of GitHub's repositories: cloned once, fetched when a commit is missing, served to runners."""

from forge.mirrors.mirrors import Change, Mirrors, Wanted

__all__ = ["Change", "Mirrors", "Wanted"]
